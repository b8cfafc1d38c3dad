import { SourceMap, type SourceMapPayload } from 'node:module';

/** Puts the places of the sources into an error's stack that has places of the bundle. */
export function mapStack(
  error: Error,
  script: { readonly map: () => string },
  host: string,
): Error {
  if (error.stack) error.stack = mapPlaces(error.stack, script.map, host);
  return error;
}

/** `text` may be any; only places like `<host>.js:12:34` in it change. */
export function mapPlaces(text: string, map: () => string, host: string): string {
  if (!text.includes(`${host}.js:`)) return text;
  const sources = new SourceMap(JSON.parse(map()) as SourceMapPayload);
  const place = new RegExp(`(?:file://)?${escapeRegExp(host)}\\.js:(\\d+):(\\d+)`, 'g');
  return text.replace(place, (whole, line: string, column: string) => {
    const entry = sources.findEntry(Number(line) - 1, Number(column) - 1);
    if (!('originalSource' in entry)) return whole;
    return `/${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
