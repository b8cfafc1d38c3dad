#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { installation } from '../loader/installation.ts';
import { VERSION } from '../version.ts';
import { addCommands } from './commands.ts';
import { reportFailure } from './failure.ts';
import { addUp } from './up.ts';

/** The `kernetes` program: exit code 0, or 1 and one line that says what to mend. */
async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('kernetes')
    .description('A Kubernetes-compatible control plane as a plugin microkernel')
    .version(VERSION)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  addUp(program);
  try {
    if (argv[2] !== 'up') await addCommands(program, installation().builtins, argv);
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    process.exitCode = reportFailure(error);
  }
}

void main(process.argv);
