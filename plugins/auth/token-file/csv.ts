export interface Row {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/**
 * The rows of a CSV text (RFC 4180): a field in quotes may hold commas, line ends and, doubled,
 * quotes. Empty lines are none. Throws an error that names the line.
 */
export function parseCsv(text: string, file: string): Row[] {
  const rows: Row[] = [];
  let line = 1;
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const row = { line, fields: [] as string[] };
    for (let more = true; more; ) {
      FIELD.lastIndex = at;
      const match = FIELD.exec(text);
      if (match === null) {
        throw new Error(`Cannot read the token file ${file}: line ${line} has a stray quote`);
      }
      const [all, quoted, plain = '', end = ''] = match;
      row.fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      line += all.split('\n').length - 1;
      at += all.length;
      more = end === ',';
    }
    if (row.fields.length > 1 || row.fields[0] !== '') rows.push(row);
  }
  return rows;
}

/** One field and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
