/** How a command ends. */
export interface Outcome {
  readonly runMs: number;
  readonly exitCode: number;
}

/**
 * What a command line would do, as far as its words tell: the programs below end at once, `sleep`
 * ends in time, `sh -c` runs simple commands one after the other. Undefined: it runs until it is
 * stopped, as servers, loops and everything unknown do.
 */
export function outcomeOf(argv: readonly string[]): Outcome | undefined {
  if (argv.length === 0) return undefined;
  const program = basename(argv[0] ?? '');
  if (!SHELLS.has(program)) return runSimple(argv)?.outcome;
  const option = argv.findIndex((word, i) => i > 0 && /^-[a-z]*c$/.test(word));
  if (option < 0) return argv.length === 1 ? { runMs: 0, exitCode: 0 } : undefined;
  return runScript(argv[option + 1] ?? '');
}

function runScript(script: string): Outcome | undefined {
  let runMs = 0;
  let exitCode = 0;
  for (const { words, after } of parse(script)) {
    if ((after === '&&' && exitCode !== 0) || (after === '||' && exitCode === 0)) continue;
    if (words.length === 0) continue;
    if (words[0] === 'exit') return { runMs, exitCode: exitStatus(words[1], exitCode) };
    const ran = runSimple(words);
    if (!ran) return undefined;
    runMs += ran.outcome.runMs;
    exitCode = ran.outcome.exitCode;
    if (ran.replaces) break;
  }
  return { runMs, exitCode };
}

function runSimple(words: readonly string[]): { outcome: Outcome; replaces: boolean } | undefined {
  const start = words.findIndex(word => !/^\w+=/.test(word));
  if (start < 0) return { outcome: { runMs: 0, exitCode: 0 }, replaces: false };
  const replaces = words[start] === 'exec';
  const [program = '', ...args] = words.slice(replaces ? start + 1 : start);
  const outcome = outcomeOfProgram(basename(program), args);
  return outcome && { outcome, replaces };
}

function outcomeOfProgram(program: string, args: readonly string[]): Outcome | undefined {
  if (program === 'exit') return { runMs: 0, exitCode: exitStatus(args[0], 0) };
  if (program === 'false') return { runMs: 0, exitCode: 1 };
  if (program === 'sleep') return sleep(args);
  if (SHELLS.has(program)) return outcomeOf([program, ...args]);
  return QUICK.has(program) ? { runMs: 0, exitCode: 0 } : undefined;
}

/** Several durations add up; one that is no number of seconds is the shell's business. */
function sleep(args: readonly string[]): Outcome | undefined {
  if (args.length === 0) return { runMs: 0, exitCode: 1 };
  let runMs = 0;
  for (const arg of args) {
    const [, count, unit = 's'] = /^(\d*\.?\d+)([smhd]?)$/.exec(arg) ?? [];
    if (count === undefined) return undefined;
    runMs += Number(count) * (UNIT_MS[unit || 's'] ?? 1000);
  }
  return { runMs, exitCode: 0 };
}

function exitStatus(word: string | undefined, last: number): number {
  const status = Number(word ?? last);
  // A shell reports a status that is no number as 2.
  return Number.isInteger(status) ? status & 255 : 2;
}

interface Step {
  readonly words: readonly string[];
  /** What stands before it. */
  readonly after: string;
}

/**
 * Splits a script into simple commands. Quotes and backslashes keep separators from separating;
 * nothing is expanded. A pipe counts as a sequence, whose last command's status is the pipe's.
 */
function parse(script: string): Step[] {
  const steps: Step[] = [];
  let words: string[] = [];
  let after = ';';
  for (const [token, separator] of script.matchAll(TOKENS)) {
    if (separator === undefined) {
      words.push(token.replace(/\\(.)|["']/g, '$1'));
      continue;
    }
    steps.push({ words, after });
    words = [];
    // In the background it goes on beside the rest: then the end is not known.
    if (separator === '&') steps.push({ words: ['&'], after: ';' });
    after = separator;
  }
  steps.push({ words, after });
  return steps;
}

/** A separator, or a word of plain, quoted and escaped parts; blanks are in neither. */
const TOKENS = /(&&|\|\||[;\n|&])|(?:>&|[^\s;|&"'\\]|"(?:[^"\\]|\\.)*"|'[^']*'|\\.)+/g;

const SHELLS = new Set(['ash', 'bash', 'dash', 'sh']);
const UNIT_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** Programs that do their work at once and end well. */
const QUICK = new Set(
  (
    ': [ base64 basename cat chmod chown cp cut date df dirname du echo env expr find free grep ' +
    'head hostname id ln ls md5sum mkdir mktemp mv nslookup printenv printf ps pwd rm sed seq set ' +
    'sha256sum sort tar tee test touch tr true uname uniq uptime wc wget which whoami'
  ).split(' '),
);

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
