import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BackendError, backendError, dialTimeout, type HostPort, refused } from './failure.ts';

const IPV4: HostPort = { host: '10.0.0.1', port: 80 };
const IPV6: HostPort = { host: 'fd00::1', port: 80 };
const NAMED: HostPort = { host: 'a.example', port: 443 };
const VERIFY = 'tls: failed to verify certificate: x509:';

/** As Node's errors are. */
function failure(code: string, more: object = {}): Error {
  return Object.assign(new Error(`Node's text of ${code}`), { code }, more);
}

describe('backendError() says', () => {
  const wrongName = (cert: object) =>
    failure('ERR_TLS_CERT_ALTNAME_INVALID', { host: 'b.example', cert });
  const found = { address: '10.0.0.2', port: 443 };
  const ssl = Object.assign(new Error('SSL routines: wrong version number'), { code: 'EPROTO' });
  for (const [error, target, text] of [
    [failure('ECONNREFUSED'), IPV4, 'dial tcp 10.0.0.1:80: connect: connection refused'],
    [failure('ECONNREFUSED'), IPV6, 'dial tcp [fd00::1]:80: connect: connection refused'],
    [failure('ECONNREFUSED', found), NAMED, 'dial tcp 10.0.0.2:443: connect: connection refused'],
    [failure('EHOSTUNREACH'), IPV4, 'dial tcp 10.0.0.1:80: connect: no route to host'],
    [failure('ENETUNREACH'), IPV4, 'dial tcp 10.0.0.1:80: connect: network is unreachable'],
    [failure('ETIMEDOUT'), IPV4, 'dial tcp 10.0.0.1:80: connect: connection timed out'],
    [failure('ENOTFOUND'), NAMED, 'dial tcp: lookup a.example: no such host'],
    [failure('ECONNRESET'), IPV4, 'EOF'],
    [ssl, IPV4, 'http: server gave HTTP response to HTTPS client'],
    [failure('EPROTO'), IPV4, "Node's text of EPROTO"],
    [
      failure('DEPTH_ZERO_SELF_SIGNED_CERT'),
      NAMED,
      `${VERIFY} certificate signed by unknown authority`,
    ],
    [failure('CERT_HAS_EXPIRED'), NAMED, `${VERIFY} certificate has expired or is not yet valid`],
    [
      wrongName({ subjectaltname: 'DNS:a.example, IP Address:10.0.0.1' }),
      NAMED,
      `${VERIFY} certificate is valid for a.example, 10.0.0.1, not b.example`,
    ],
    [
      wrongName({}),
      NAMED,
      `${VERIFY} certificate is not valid for any names, but wanted to match b.example`,
    ],
    [failure('EPIPE'), IPV4, "Node's text of EPIPE"],
    ['thrown text', IPV4, 'thrown text'],
  ] as const) {
    it(text, () => {
      const told = backendError(error, target);
      assert.equal(told.message, text);
      assert.equal(told.cause, error);
    });
  }

  it('nothing new of what is told already', () => {
    const told = new BackendError('why');
    assert.equal(backendError(told, IPV4), told);
  });
});

describe('failures of connections that never were', () => {
  for (const [error, text] of [
    [refused(IPV6), 'dial tcp [fd00::1]:80: connect: connection refused'],
    [dialTimeout(IPV4), 'dial tcp 10.0.0.1:80: i/o timeout'],
  ] as const) {
    it(`say "${text}"`, () => assert.equal(error.message, text));
  }
});
