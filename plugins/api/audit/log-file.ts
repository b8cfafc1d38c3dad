import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Clock, Logger } from 'kernetes/sdk';

export interface LogFileOptions {
  /** `-`: standard output. */
  readonly path: string;
  /** 0: it grows. */
  readonly maxBytes: number;
  /** 0: all are kept. */
  readonly maxBackups: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly dropped: () => void;
}

/**
 * Appends lines behind whoever writes them: they wait in memory, up to a bound, while one write is
 * under way, and go out together.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  #file: FileHandle | undefined;
  #size = 0;
  #waiting: string[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #isDropping = false;
  #isClosed = false;

  /** Use `LogFile.open`. */
  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Rejects when the file cannot be written: who wants a log does not want to run without. */
  static async open(options: LogFileOptions): Promise<LogFile> {
    const log = new LogFile(options);
    if (options.path !== STANDARD_OUTPUT) await log.#open();
    return log;
  }

  write(line: string): void {
    if (this.#isClosed) {
      this.#options.dropped();
      return;
    }
    if (this.#waitingLength + line.length > WAITING_LENGTH_MAX) {
      this.#drop();
      return;
    }
    this.#isDropping = false;
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#writing ??= this.#drain();
  }

  /** What waits is written first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#writing) await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #drop(): void {
    this.#options.dropped();
    if (this.#isDropping) return;
    this.#isDropping = true;
    const { path, log } = this.#options;
    log.error('Audit events are dropped: the log is written too slowly', { path });
  }

  async #drain(): Promise<void> {
    // Whoever has more to say in this turn is waited for.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const count = this.#waiting.length;
      const lines = Buffer.from(this.#waiting.join(''));
      const length = this.#waitingLength;
      this.#waiting = [];
      try {
        await this.#append(lines);
      } catch (error) {
        const { path, log, dropped } = this.#options;
        for (let n = 0; n < count; n++) dropped();
        log.error('Cannot write audit events', { path, error });
      }
      this.#waitingLength = this.#waiting.length === 0 ? 0 : this.#waitingLength - length;
    }
    this.#writing = undefined;
  }

  async #append(lines: Buffer): Promise<void> {
    if (this.#options.path === STANDARD_OUTPUT) {
      await new Promise<void>(resolve => {
        process.stdout.write(lines, () => resolve());
      });
      return;
    }
    // The last rotation may have broken off.
    if (this.#file === undefined) await this.#open();
    const { maxBytes } = this.#options;
    if (maxBytes > 0 && this.#size > 0 && this.#size + lines.length > maxBytes)
      await this.#rotate();
    await this.#file?.appendFile(lines);
    this.#size += lines.length;
  }

  async #open(): Promise<void> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    this.#file = await open(path, 'a', FILE_MODE);
    this.#size = (await this.#file.stat()).size;
  }

  async #rotate(): Promise<void> {
    const { path, clock, maxBackups } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    const extension = extname(path);
    const stem = basename(path, extension);
    const time = new Date(clock.now()).toISOString().replace(/:/g, '-').replace(/Z$/, '');
    const there = new Set(await readdir(dirname(path)));
    let name = `${stem}-${time}${extension}`;
    for (let n = 1; there.has(name); n++) name = `${stem}-${time}.${n}${extension}`;
    await rename(path, join(dirname(path), name));
    await this.#open();
    if (maxBackups === 0) return;
    const backups = [...there, name]
      .filter(each => each.startsWith(`${stem}-`) && each.endsWith(extension))
      .sort();
    for (const each of backups.slice(0, -maxBackups)) await rm(join(dirname(path), each));
  }
}

const STANDARD_OUTPUT = '-';
/** Bodies may be in it. */
const FILE_MODE = 0o600;
/** About a second of a busy server with whole objects. */
const WAITING_LENGTH_MAX = 64 * 1024 * 1024;
