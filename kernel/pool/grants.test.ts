import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { allowsNet, allowsPath, findProgram } from './grants.ts';
import { startTestHost, testdata } from './pool-testing.ts';

const NOT_CAPABLE = { code: 'ERR_NOT_CAPABLE' };

/** What each deed of `testdata/granted.ts` comes to. */
const OUTCOMES: Readonly<Record<string, object>> = {
  'reads a granted file': { result: 'in here' },
  'reads by promise': { result: 'in here' },
  'asks for a file that is not there': { code: 'ENOENT' },
  'reads beside the folder': NOT_CAPABLE,
  'reads out of the folder by dots': NOT_CAPABLE,
  'reads through a link out of the folder': NOT_CAPABLE,
  'reads through a link by promise': NOT_CAPABLE,
  'reads through a linked folder': NOT_CAPABLE,
  'reads a forged path': { code: '' },
  'makes a link': NOT_CAPABLE,
  'writes where it may read': NOT_CAPABLE,
  'opens for writing where it may read': { code: 'ERR_ACCESS_DENIED' },
  'writes where it may write': { result: 'made' },
  'writes through a link to nothing': NOT_CAPABLE,
  'fetches what was granted': { result: '201 yes POST /hello hi' },
  'fetches much': { result: String(8 * 1024 * 1024) },
  'follows a redirect to what was not granted': NOT_CAPABLE,
  'fetches what was not granted': NOT_CAPABLE,
  'connects to what was granted': { result: 'HTTP/1.1 201 Created' },
  'connects to what was not granted': NOT_CAPABLE,
  'runs what was granted': { result: 'hello\n' },
  'runs what fails': { code: 7 },
  'runs what was not granted': NOT_CAPABLE,
  'reads a granted variable': { result: 'yes' },
  'reads another variable': { result: 'undefined' },
  'asks the machine what was granted': { result: 'string' },
};

async function openPlaces() {
  const base = mkdtempSync(join(tmpdir(), 'kernetes-grants-'));
  const folder = join(base, 'granted');
  mkdirSync(join(folder, 'writable'), { recursive: true });
  const outside = join(base, 'secret');
  writeFileSync(outside, 'out there');
  writeFileSync(`${folder}-beside`, 'out there');
  writeFileSync(join(folder, 'inside'), 'in here');
  symlinkSync(outside, join(folder, 'link'));
  symlinkSync(base, join(folder, 'up'));
  symlinkSync(join(base, 'made'), join(folder, 'writable', 'dangling'));
  const server = createServer(async (request, response) => {
    if (request.url === '/much') return void response.end(Buffer.alloc(8 * 1024 * 1024));
    if (request.url === '/redirect') {
      return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(201, { 'x-test': 'yes' }).end(`${request.method} ${request.url} ${body}`);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  process.env.GRANTED = 'yes';
  process.env.CANARY = 'no';
  return {
    places: { folder, outside, port },
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(base, { recursive: true });
      delete process.env.GRANTED;
      delete process.env.CANARY;
    },
  };
}

for (const placement of ['worker', 'process'] as const) {
  test(`a plugin gets what it was granted, and no more (${placement})`, async t => {
    const { places, close } = await openPlaces();
    t.after(close);
    const { host, link } = await startTestHost({
      files: { 'test.granted': testdata('granted.ts') },
      placement,
      grants: {
        read: [places.folder],
        write: [join(places.folder, 'writable')],
        net: [`127.0.0.1:${places.port}`],
        run: ['sh'],
        env: ['GRANTED'],
        sys: ['hostname'],
      },
    });
    t.after(() => host.stop());
    await host.activate('test.granted', places);
    await host.deactivate('test.granted');
    assert.deepEqual(
      link.logs.map(({ message }) => message),
      Object.keys(OUTCOMES),
    );
    for (const { message, fields } of link.logs) {
      await t.test(message, () => {
        const { message: text, ...outcome } = fields;
        assert.deepEqual(outcome, OUTCOMES[message], String(text));
      });
    }
    assert.equal(readFileSync(join(places.folder, 'inside'), 'utf8'), 'in here');
  });
}

const NET_CASES: readonly [grant: string, host: string, port: number, allowed: boolean][] = [
  ['example.org:80', 'example.org', 80, true],
  ['example.org:80', 'EXAMPLE.org', 80, true],
  ['example.org:80', 'example.org', 443, false],
  ['example.org:80', 'an.example.org', 80, false],
  ['example.org', 'example.org', 443, true],
  ['example.org:*', 'example.org', 443, true],
  ['*:53', '10.0.0.1', 53, true],
  ['[::1]:80', '::1', 80, true],
  ['[::1]:80', '[::1]', 80, true],
  ['[::1]', '::1', 8080, true],
  ['::1:80', '::1', 80, false],
  ['', 'example.org', 80, false],
];

for (const [grant, host, port, allowed] of NET_CASES) {
  test(`allowsNet() of "${grant}" for ${host} ${port} is ${allowed}`, () => {
    assert.equal(allowsNet({ net: [grant] }, host, port), allowed);
  });
}

test('allowsPath() compares whole names', () => {
  assert.equal(allowsPath(['/a/b'], '/a/b'), true);
  assert.equal(allowsPath(['/a/b'], '/a/b/c'), true);
  assert.equal(allowsPath(['/a/b/'], '/a/b/c'), true);
  assert.equal(allowsPath(['/a/b'], '/a/bc'), false);
  assert.equal(allowsPath(['/'], '/etc'), true);
  assert.equal(allowsPath(undefined, '/etc'), false);
});

test('findProgram() finds granted names in absolute folders of the path only', () => {
  const search = { path: 'bin:/usr/bin:/bin', isFile: (file: string) => file === '/bin/ip' };
  assert.equal(findProgram({ run: ['ip'] }, 'ip', search), '/bin/ip');
  assert.equal(findProgram({ run: ['ip'] }, 'sh', search), undefined);
  assert.equal(findProgram({ run: ['./ip'] }, './ip', search), undefined);
  assert.equal(findProgram({ run: ['/opt/x'] }, '/opt/x', search), '/opt/x');
});
