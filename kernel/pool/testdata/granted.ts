import { execFile } from 'node:child_process';
import { mkdirSync, promises, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { connect } from 'node:net';
import { definePlugin } from 'kernetes/sdk';

interface Places {
  readonly folder: string;
  readonly outside: string;
  readonly port: number;
}

const DEEDS: Record<string, (places: Places) => unknown> = {
  'reads a granted file': ({ folder }) => readFileSync(`${folder}/inside`, 'utf8'),
  'reads by promise': ({ folder }) => promises.readFile(`${folder}/inside`, 'utf8'),
  'asks for a file that is not there': ({ folder }) => statSync(`${folder}/nothing`),
  'reads beside the folder': ({ folder }) => readFileSync(`${folder}-beside`, 'utf8'),
  'reads out of the folder by dots': ({ folder }) => readFileSync(`${folder}/../x`, 'utf8'),
  'reads through a link out of the folder': ({ folder }) => readFileSync(`${folder}/link`, 'utf8'),
  'reads through a link by promise': ({ folder }) => promises.readFile(`${folder}/link`, 'utf8'),
  'reads through a linked folder': ({ folder }) => readFileSync(`${folder}/up/secret`, 'utf8'),
  'reads a forged path': ({ outside }) => {
    let asked = 0;
    const path = { toString: () => (asked++ ? outside : '/tmp'), length: 1 };
    return readFileSync(path as never, 'utf8');
  },
  'makes a link': ({ folder, outside }) => symlinkSync(outside, `${folder}/link2`),
  'writes where it may read': ({ folder }) => writeFileSync(`${folder}/inside`, 'changed'),
  'opens for writing where it may read': ({ folder }) =>
    readFileSync(`${folder}/inside`, { flag: 'w+' }).length,
  'writes where it may write': ({ folder }) => {
    mkdirSync(`${folder}/writable/deep/er`, { recursive: true });
    writeFileSync(`${folder}/writable/deep/er/new`, 'made');
    return readFileSync(`${folder}/writable/deep/er/new`, 'utf8');
  },
  'writes through a link to nothing': ({ folder }) =>
    writeFileSync(`${folder}/writable/dangling`, 'made'),
  'fetches what was granted': async ({ port }) => {
    const response = await fetch(`http://127.0.0.1:${port}/hello`, { method: 'POST', body: 'hi' });
    return `${response.status} ${response.headers.get('x-test')} ${await response.text()}`;
  },
  'fetches much': async ({ port }) =>
    (await (await fetch(`http://127.0.0.1:${port}/much`)).arrayBuffer()).byteLength,
  'follows a redirect to what was not granted': ({ port }) =>
    fetch(`http://127.0.0.1:${port}/redirect`),
  'fetches what was not granted': () => fetch('http://127.0.0.1:1/'),
  'connects to what was granted': ({ port }) =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => {
        socket.end('GET /raw HTTP/1.0\r\n\r\n');
      });
      socket.setEncoding('utf8');
      socket.on('data', chunk => {
        text += chunk;
      });
      socket.on('end', () => resolve(text.split('\r\n')[0]));
      socket.on('error', reject);
    }),
  'connects to what was not granted': () => connect(1, '127.0.0.1'),
  'runs what was granted': () =>
    new Promise((resolve, reject) => {
      const env = { GREETING: 'hello', LD_PRELOAD: '/x' };
      execFile('sh', ['-c', 'echo $GREETING $LD_PRELOAD $CANARY'], { env }, (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      });
    }),
  'runs what fails': () =>
    new Promise((_resolve, reject) => {
      execFile('sh', ['-c', 'exit 7'], error => reject(error));
    }),
  'runs what was not granted': () => execFile('ls', ['/']),
  'reads a granted variable': () => process.env.GRANTED,
  'reads another variable': () => process.env.CANARY,
  'asks the machine what was granted': () => typeof hostname(),
};

export default definePlugin<Places>({
  name: 'test.granted',
  async activate({ config, log }) {
    for (const [name, deed] of Object.entries(DEEDS)) {
      try {
        log.info(name, { result: String(await deed(config)) });
      } catch (error) {
        const { code, message } = error as { code?: unknown; message: string };
        log.info(name, { code: code ?? '', message });
      }
    }
  },
});
