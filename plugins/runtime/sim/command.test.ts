import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf } from './command.ts';

/** A script, or a command line; `<ms> <exit code>`, or `runs`. */
const SCRIPTS: readonly (readonly [string, string])[] = [
  ['exit 1', '0 1'],
  ['exit', '0 0'],
  ['false; exit', '0 1'],
  ['exit 256', '0 0'],
  ['exit many', '0 2'],
  ['', '0 0'],
  ['date; echo Hello from the Kubernetes cluster', '0 0'],
  ['echo a && sleep 5 && exit 3', '5000 3'],
  ['false && sleep 5', '0 1'],
  ['false || sleep 5', '5000 0'],
  ['true || exit 4', '0 0'],
  ['sleep 1m\nsleep 0.5', '60500 0'],
  ['sleep infinity', 'runs'],
  ['sleep $TIME', 'runs'],
  ["echo 'a; exit 7'", '0 0'],
  ['echo "a \\" ; exit 7"', '0 0'],
  ['echo a\\; exit 7', '0 0'],
  ["echo 'abc' > /tmp/health;sleep 60;rm -f /tmp/health;sleep 600", '660000 0'],
  ['cat /proc/cpuinfo | grep model', '0 0'],
  ['while true; do echo x; sleep 1; done', 'runs'],
  ['httpd -f', 'runs'],
  ['sleep 5 & echo x', 'runs'],
  ['echo err 2>&1; exit 5', '0 5'],
  ['A=1 exec sleep 2; exit 9', '2000 0'],
  ['A=1; exit 2', '0 2'],
  ['/bin/sh -c "exit 6"', '0 6'],
];

for (const [script, outcome] of SCRIPTS) {
  test(`outcomeOf() sh -c ${JSON.stringify(script)} gives ${outcome}`, () => {
    assert.equal(format(outcomeOf(['/bin/sh', '-c', script])), outcome);
  });
}

const COMMANDS: readonly (readonly [readonly string[], string])[] = [
  [['true'], '0 0'],
  [['/bin/false'], '0 1'],
  [['sleep', '60'], '60000 0'],
  [['sleep', '1h', '1m'], '3660000 0'],
  [['sleep'], '0 1'],
  [['exit', '3'], '0 3'],
  [['date'], '0 0'],
  [['echo', 'sleep', '5'], '0 0'],
  [['bash', '-exc', 'exit 2'], '0 2'],
  [['sh'], '0 0'],
  [['sh', 'run.sh'], 'runs'],
  [['nginx', '-g', 'daemon off;'], 'runs'],
  [[], 'runs'],
];

for (const [argv, outcome] of COMMANDS) {
  test(`outcomeOf() ${JSON.stringify(argv)} gives ${outcome}`, () => {
    assert.equal(format(outcomeOf(argv)), outcome);
  });
}

function format(outcome: ReturnType<typeof outcomeOf>): string {
  return outcome ? `${outcome.runMs} ${outcome.exitCode}` : 'runs';
}
