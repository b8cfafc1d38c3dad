import { CelCompileError } from './cel.ts';

/** An expression's text, for errors that point into it as upstream's do. */
export class Source {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  error(position: number, message: string): CelCompileError {
    const before = this.text.slice(0, position);
    const line = before.split('\n').length;
    const start = before.lastIndexOf('\n') + 1;
    const end = this.text.indexOf('\n', position);
    const shown = this.text.slice(start, end < 0 ? undefined : end).replaceAll('\t', ' ');
    const column = [...before.slice(start)].length;
    return new CelCompileError(
      'invalid',
      `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${shown}\n | ${'.'.repeat(column)}^`,
    );
  }

  /** Where `token` stands after `position`, past spaces and closing brackets. */
  after(position: number, token: string): number {
    const found = this.text.indexOf(token, position);
    return found < 0 ? position : found;
  }

  before(position: number, token: string): number {
    const found = this.text.lastIndexOf(token, position);
    return found < 0 ? position : found;
  }
}
