import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock, startTestHost, testdata } from './pool-testing.ts';

test('a plugin in a worker requests, logs, counts and contributes over its own line', async () => {
  const { host, link, exit } = await startTestHost({ files: { 'test.echo': testdata('echo.ts') } });
  link.answer = request =>
    request.verb === 'get'
      ? { ok: true, object: { data: { a: '1' } } }
      : { ok: true, object: request.body };
  assert.deepEqual(await host.load('test.echo'), {
    name: 'test.echo',
    config: { type: 'object', properties: { suffix: { type: 'string' } } },
  });
  await host.activate('test.echo', { suffix: '!' });
  assert.deepEqual(
    link.requests.map(({ verb, name }) => [verb, name]),
    [
      ['get', 'one'],
      ['create', undefined],
    ],
  );
  assert.deepEqual(link.requests[1]?.body, { metadata: { name: 'two' }, data: { a: '1' } });
  assert.deepEqual(link.logs, [{ level: 'info', message: 'Echo stands', fields: { suffix: '!' } }]);
  assert.equal(link.metrics.length, 1);
  const [echo] = link.provided;
  const value = echo?.value as { greeting: string; echo(text: string): Promise<string> };
  assert.equal(value.greeting, 'hello');
  assert.equal(await value.echo('x'), 'x!');
  await host.deactivate('test.echo');
  assert.equal(link.provided.length, 0);
  await host.stop();
  assert.equal((await exit).reason, 'stopped');
  await assert.rejects(value.echo('x'), /was stopped|is gone/);
});

test('a host whose messages break the rules is ended', async () => {
  const forger = `(function (require) {
    const { workerData } = require('node:worker_threads');
    const { control, plugins } = workerData.ports;
    const header = '[{"type":"ready"}]';
    const ready = new Uint8Array(4 + header.length);
    ready[0] = header.length;
    ready.set(new TextEncoder().encode(header), 4);
    control.postMessage(ready.buffer);
    for (let i = 0; i < 20; i++) plugins[0].postMessage({ forged: i });
    setInterval(() => {}, 1000);
  })`;
  const { exit } = await startTestHost({
    files: { 'test.echo': testdata('echo.ts') },
    script: { code: '', map: () => '', hostCode: forger, relayCode: '' },
  });
  const { reason, error } = await exit;
  assert.equal(reason, 'misbehaved');
  assert.match(error.message, /"test.echo" sent 10 messages that break the rules/);
});

test('a thread that cannot be ended is reported', async () => {
  const clock = new ManualClock();
  const { host, exits, exit } = await startTestHost({
    files: { 'test.misbehaving': testdata('misbehaving.ts') },
    clock,
  });
  await host.activate('test.misbehaving', { how: 'cannot be interrupted' });
  for (let turn = 0; turn < 1_000 && exits.length === 0; turn++) {
    await new Promise(resolve => setImmediate(resolve));
    clock.advance(1_000);
  }
  const { reason, error } = await exit;
  assert.equal(reason, 'not-terminated');
  assert.match(error.message, /did not terminate within 5000 ms/);
  assert.match(String(error.cause), /did not answer/);
  await assert.rejects(host.stop(), /did not terminate/);
});

test('plugins with different permissions cannot share a host', async () => {
  const { host } = await startTestHost({ files: { 'test.echo': testdata('echo.ts') } });
  await host.stop();
  const options = {
    files: { a: testdata('echo.ts'), b: testdata('echo.ts') },
    plugins: [
      { name: 'a', grants: {} },
      { name: 'b', grants: { net: ['a:1'] } },
    ],
  };
  await assert.rejects(startTestHost(options as never), /different permissions/);
});

test('two plugins in one host have a line each', async () => {
  const files = { 'test.echo': testdata('echo.ts'), 'test.other': testdata('echo.ts') };
  const { host, links } = await startTestHost({ files });
  await host.activate('test.echo', { suffix: '1' });
  await host.activate('test.other', { suffix: '2' });
  for (const [name, suffix] of [
    ['test.echo', '1'],
    ['test.other', '2'],
  ] as const) {
    assert.deepEqual(
      links.get(name)?.logs.map(({ fields }) => fields),
      [{ suffix }],
    );
  }
  await host.stop();
});
