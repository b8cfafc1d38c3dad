import { isIP } from 'node:net';
import { isGoDuration } from '../go-duration.ts';

/**
 * The formats of strings that are checked; others are let through, as upstream does. All of these
 * expressions are ours and run in linear time.
 */
export const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['bsonobjectid', matches(/^[0-9a-fA-F]{24}$/)],
  ['byte', matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)],
  ['cidr', isCidr],
  ['creditcard', isCreditCard],
  ['date', isDate],
  ['date-time', isDateTime],
  ['datetime', isDateTime],
  ['duration', isDuration],
  ['email', isEmail],
  ['hexcolor', matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/)],
  ['hostname', isHostname],
  ['ipv4', (text: string) => isIP(text) === 4],
  ['ipv6', (text: string) => isIP(text) === 6],
  ['isbn', (text: string) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['mac', matches(/^[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}(?:(?:[:-][0-9a-fA-F]{2}){2})?$/)],
  ['rgbcolor', isRgbColor],
  ['ssn', matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['uri', isUri],
  ['uuid', uuid('[0-9a-f]')],
  ['uuid3', uuid('3')],
  ['uuid4', uuid('4', '[89ab]')],
  ['uuid5', uuid('5', '[89ab]')],
]);

function matches(pattern: RegExp): (text: string) => boolean {
  return text => pattern.test(text);
}

function uuid(version: string, variant = '[0-9a-f]'): (text: string) => boolean {
  const pattern = `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`;
  return matches(new RegExp(pattern, 'i'));
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** RFC 3339; a lower-case `t` or `z`, and more digits of the second, as go-openapi takes. */
function isDateTime(text: string): boolean {
  const [, date = ''] = DATE_TIME.exec(text) ?? [];
  return isDate(date);
}

const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[-+](?:[01]\d|2[0-3]):?[0-5]\d)$/;

/** Go's (`1h30m`), or words: `3 days`. */
function isDuration(text: string): boolean {
  return isGoDuration(text) || WORD_DURATION.test(text.trim());
}

const WORD_DURATION =
  /^\d+(?:\.\d+)? *(?:n(?:ano)?s(?:ec(?:ond)?s?)?|u(?:s|sec)?|m(?:illi)?s(?:ec(?:ond)?s?)?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:r|our)?s?|d(?:ay)?s?|w(?:eek)?s?)$/i;

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  const address = /<([^<>]+)>$/.exec(text)?.[1];
  if (address !== undefined) return isEmail(address);
  if (at <= 0 || /\s/.test(text)) return false;
  return /^[^@,;:<>()[\]\\"]+$/.test(text.slice(0, at)) &&
    !/^[.]|[.]$|[.][.]/.test(text.slice(0, at))
    ? /^[A-Za-z0-9\u0080-\uffff]([-.A-Za-z0-9\u0080-\uffff]*[A-Za-z0-9\u0080-\uffff])?$|^\[.+\]$/.test(
        text.slice(at + 1),
      )
    : false;
}

function isHostname(text: string): boolean {
  if (text.length === 0 || text.length > 255) return false;
  return text
    .replace(/\.$/, '')
    .split('.')
    .every(
      label => label.length <= 63 && /^[\p{L}\p{N}]([-_\p{L}\p{N}]*[\p{L}\p{N}])?$/u.test(label),
    );
}

function isCidr(text: string): boolean {
  const slash = text.indexOf('/');
  const family = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (slash < 0 || family === 0 || !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return false;
  return Number(bits) <= (family === 4 ? 32 : 128);
}

/** What Go's ParseRequestURI takes: an absolute URI, or an absolute path. */
function isUri(text: string): boolean {
  if (/[\s\p{Cc}]/u.test(text)) return false;
  if (text.startsWith('/')) return true;
  return /^[A-Za-z][-+.A-Za-z0-9]*:/.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text);
}

function isRgbColor(text: string): boolean {
  const [, ...parts] = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text) ?? [];
  return parts.length === 3 && parts.every(part => Number(part) <= 255);
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '');
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce((all, c, i) => all + (c === 'X' ? 10 : Number(c)) * (10 - i), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '');
  if (!/^\d{13}$/.test(digits)) return false;
  const sum = [...digits].reduce((all, c, i) => all + Number(c) * (i % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
}

/** Luhn's sum. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '');
  if (!/^\d{13,19}$/.test(digits)) return false;
  const sum = [...digits].reverse().reduce((all, c, i) => {
    const n = Number(c) * (i % 2 === 0 ? 1 : 2);
    return all + (n > 9 ? n - 9 : n);
  }, 0);
  return sum % 10 === 0;
}
