import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestHost, testdata } from './pool-testing.ts';

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
