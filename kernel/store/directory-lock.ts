import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const PREFIX = 'held-by-';
let locksTaken = 0;

/** Another live process, or another part of this one, uses the directory. */
export class LockedError extends Error {
  override name = 'LockedError';
  readonly path: string;
  readonly pid: number;
  constructor(path: string, pid: number) {
    super(`Cannot open the database in ${path}: process ${pid} uses it`);
    this.path = path;
    this.pid = pid;
  }
}

/**
 * Claims a directory for this process; the answer gives it back. Every claimant leaves a file
 * with a name of its own and then looks for those of others. So nobody ever removes a claim but
 * its owner, or anybody when the owner is dead, and two that come at the same moment may both be
 * refused but never both be let in. Processes that cannot see each other's pids are not kept
 * apart.
 */
export async function lockDirectory(path: string): Promise<() => Promise<void>> {
  const started = (await processStart(process.pid)) ?? '0';
  locksTaken++;
  const own = `${PREFIX}${process.pid}-${started}-${threadId}-${locksTaken}`;
  await writeFile(join(path, own), '');
  const release = () => rm(join(path, own), { force: true });
  try {
    for (const name of await readdir(path)) {
      if (!name.startsWith(PREFIX) || name === own) continue;
      const pid = await livingHolder(name);
      if (pid !== undefined) throw new LockedError(path, pid);
      await rm(join(path, name), { force: true });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** The process of a claim, unless it is dead and its pid perhaps another's by now. */
async function livingHolder(name: string): Promise<number | undefined> {
  const [pidText = '', started] = name.slice(PREFIX.length).split('-');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || !exists(pid)) return undefined;
  const now = await processStart(pid);
  if (now === undefined) return (await processStart(process.pid)) === undefined ? pid : undefined;
  return now === started ? pid : undefined;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Start time in ticks since boot. Undefined: no such process, a dead one, or no /proc here. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The fields after the program's name, which may itself have spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
