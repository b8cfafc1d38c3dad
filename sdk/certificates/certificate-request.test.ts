import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeCertificateRequest } from '../testing/certificates.ts';
import {
  type CertificateRequest,
  parseCertificateRequest,
  verifyCertificateRequest,
} from './certificate-request.ts';
import { kubeletClientError, kubeletServingError } from './node-request.ts';
import { pemBlocks } from './pem.ts';

const NODE = 'CN=system:node:n1, O=system:nodes';

/** Made by openssl, for the algorithms and forms that the library of the other tests lacks. */
const OPENSSL: readonly { readonly name: string; readonly pem: string; readonly cn: string }[] = [
  {
    name: 'a 2048-bit RSA key',
    cn: 'bob',
    pem: `-----BEGIN CERTIFICATE REQUEST-----
MIICYTCCAUkCAQAwHDEMMAoGA1UEAwwDYm9iMQwwCgYDVQQKDANkZXYwggEiMA0G
CSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDOmm15YnNEw3xMf5+PsXzbOzsoAsCD
JkTpUHJHpu8HJSDvjvHGTu0aLJ16Fy17H0qfN3SCLpRdu7LfGUUeQ5n6lLnp71+Y
iavDoGmVzbpEYlFrupb3sWgQ8IKnB/89vgT47q24s6ChWFYYjuOfMt3ZktvgLsHR
PPISICBgia8AUf3unZAMy+s78cre+T2mkWdUF0dRqsQLv/3wgy3eRy2uRbXbWYLx
Ils+oLwDSjp2LtjAXaw2wat5tWM8g0tew//N1hxYHThMYyUHe+Ei0LfpZJmcszR0
KhX9WbgZdnMYCCUkw363xvi+UN/hVWgPCx2w1Tl+sCCcs2eZiUx/MDldAgMBAAGg
ADANBgkqhkiG9w0BAQsFAAOCAQEAvjyYIcQWUbniqYXhEHPECCMg9tUOuCkTKdwt
QIGzhErPYQ3+08ZGBw4gFWL0FIVj8Ufr29lWEDY0vCr6oprwk+TQF06uV8qlR9mT
LAOzFxZ20564Lju6Tq+9X4Pbk2MFSEZK++YPMHB473esFGajCOPgfO02P2M4bJwv
gN91UDwjJT6KuHeGbqBtwTCzWE8gu6bU8nLtMfEVjnghDJ0YjyMGsIbdyMZjxgHm
wIVWHEmyMczVaKxHj0AA67iyxrdw0ymDK6MwjuLpPWBeR+D0K2kmdhcyArar6V35
5oI4N30k5SkGxI0Zqs/s1POTFICd42JG22jsk4MlVjV+zR6Uzg==
-----END CERTIFICATE REQUEST-----
`,
  },
  {
    name: 'RSA with SHA-512',
    cn: 'bob',
    pem: `-----BEGIN CERTIFICATE REQUEST-----
MIICYTCCAUkCAQAwHDEMMAoGA1UEAwwDYm9iMQwwCgYDVQQKDANkZXYwggEiMA0G
CSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQC+jhXoSKo0P59/lSCYvcaL7cQ5glnW
RgueK9BmhWQA4Yeh3Fqh97ibGCXrErhDwgvwzeb0abmSsvjzGkLxIOT+4/870cu0
XmtZ0UsLBiUcYhh2rf3Ny3ISAUxb4MJPaSMpFrgWja+/7nkHSJu9Pw+xrIPQt167
PBL4gW6TSyjzB6ihO5otjRykKeKbET/GveOlDX+e7WcOIfwj2/qjSUeV3+6LwN8/
GUrPPw/I2vKqgFo3eDzhqCYBxEdY9tmnYfweg/CDIzpbNBvGRGZQeiJcl4AWBsj+
mUmoJb5oUlws31bYXu1iuDH9rzrQhTd4o0eWsudrEVywo99V+T/xcrnlAgMBAAGg
ADANBgkqhkiG9w0BAQ0FAAOCAQEAfwmuL9JS43GrtjGkpIk9v0vumkksQLQrlufH
EXoasCzcOMB914Oq5Q7sDE3E7xu9kTNMtfv/ear7PLSTR8fCAK+XcWFn7v5Dr7ZZ
H8U3KaKZXBuAJk0dYubShfF3CeLfXvWCn9DNmqbbIxMGBucKXoHG8QGfWe15qf5+
Ci+uEHG/ooxMY2i9ZmfGqKc88L0f1Nkxexw0B6ndMnTH9YaQYV9nc7Ma3aaaSsGX
ixdiMXAnqpwVQjeO7VE2+HQ/pt+RWvCif4A1TUWWnPGoYEo20X0WlEmaMzvlFT4K
VyZSBDcD9SuMAxcdjudfweb8lYqCcDB8cXx/0OGMdAy40yGUqQ==
-----END CERTIFICATE REQUEST-----
`,
  },
  {
    name: 'Ed25519',
    cn: 'bob',
    pem: `-----BEGIN CERTIFICATE REQUEST-----
MIGbME8CAQAwHDEMMAoGA1UEAwwDYm9iMQwwCgYDVQQKDANkZXYwKjAFBgMrZXAD
IQDaNsOKODR5EW/dEuvUVlaUnWx08WOWdAAH21YRtL8ul6AAMAUGAytlcANBAPv7
3SqHSkK9a2WDUwOT7n/mqCcJf+dFDGMAKySD6ch9yZRDYA0VnU7brwFHIQwBcTlv
5wSH8AvRDQaTf7K7ugQ=
-----END CERTIFICATE REQUEST-----
`,
  },
  {
    name: 'P-384 with SHA-384',
    cn: 'bob',
    pem: `-----BEGIN CERTIFICATE REQUEST-----
MIIBFTCBmwIBADAcMQwwCgYDVQQDDANib2IxDDAKBgNVBAoMA2RldjB2MBAGByqG
SM49AgEGBSuBBAAiA2IABA0gSrd5mncENsgwz9md48fZiRwoRlrDe7IyVJQkw5V9
JQHob0QFs8eCPvLoFkhKaS5uiLNP/GOlqsSupNgJQqKALmzDYuhPWLide3M6mXw6
ESj5+5MwqQKCz/y22Sx3qaAAMAoGCCqGSM49BAMDA2kAMGYCMQCMmM4Xmlv5/4Od
IpurDYN9TJ3X2LlymLCgXKCRh7SNlQnBLPTJCqmISVv9G8OtUMUCMQDwjKi3lUDt
aKaqSVyJOiGfsT9AoODR/z4c2FmgSIylBG29ZG8+9x4SRf2JaG1n6Ns=
-----END CERTIFICATE REQUEST-----
`,
  },
];

it('verifyCertificateRequest() reads subject and alternative names', async () => {
  const { request } = await makeCertificateRequest('CN=first, O=a, O=b, CN=alice, OU=c, DC=com', [
    { type: 'dns', value: 'example.com' },
    { type: 'dns', value: 'www.example.com' },
    { type: 'email', value: 'a@example.com' },
    { type: 'ip', value: '10.0.0.1' },
    { type: 'ip', value: '2001:db8::1' },
    { type: 'url', value: 'spiffe://x' },
  ]);
  const { publicKey, subject, ...read } = verifyCertificateRequest(`noise\n${request}`);
  assert.deepEqual(read, {
    commonName: 'alice',
    organizations: ['a', 'b'],
    dnsNames: ['example.com', 'www.example.com'],
    emailAddresses: ['a@example.com'],
    ipAddresses: ['10.0.0.1', '2001:db8:0:0:0:0:0:1'],
    uris: ['spiffe://x'],
  });
  assert.deepEqual(
    subject.map(({ type, value }) => `${type}=${value}`),
    ['2.5.4.3=first', '2.5.4.10=a', '2.5.4.10=b', '2.5.4.3=alice', '2.5.4.11=c'],
  );
  assert.ok(publicKey.length > 80);
});

for (const { name, pem, cn } of OPENSSL) {
  it(`verifyCertificateRequest() reads ${name}`, () => {
    assert.equal(verifyCertificateRequest(pem).commonName, cn);
  });
}

it('verifyCertificateRequest() refuses what is no request, and whose key is not the asker’s', async () => {
  const { request } = await makeCertificateRequest('CN=alice');
  const { bytes } = pemBlocks(request)[0] ?? assert.fail();
  const at = Buffer.from(bytes).indexOf('alice');
  const pem = (der: Uint8Array, type = 'CERTIFICATE REQUEST') =>
    `-----BEGIN ${type}-----\n${Buffer.from(der).toString('base64')}\n-----END ${type}-----\n`;
  const changed = (from: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy[from] = value;
    return pem(copy);
  };
  const refused: [string, RegExp][] = [
    ['', /^PEM block type must be CERTIFICATE REQUEST$/],
    ['nothing', /^PEM block type must be/],
    [pem(bytes, 'CERTIFICATE'), /^PEM block type must be/],
    ['-----BEGIN CERTIFICATE REQUEST-----\n!\n-----END CERTIFICATE REQUEST-----', /^PEM block/],
    ['-----BEGIN CERTIFICATE REQUEST-----\nAAAA', /^PEM block type must be/],
    [pem(bytes.subarray(0, 40)), /^asn1: structure error: data truncated$/],
    [pem(Buffer.concat([bytes, Buffer.from([5, 0])])), /^asn1: structure error: trailing data$/],
    [pem(new Uint8Array()), /^asn1: structure error/],
    [pem(Buffer.from([0x30, 0x80, 0, 0])), /indefinite/],
    [changed(at, 'b'.charCodeAt(0)), /^x509: ECDSA verification failure$/],
  ];
  for (const [text, error] of refused) {
    assert.throws(
      () => verifyCertificateRequest(text),
      (e: Error) => error.test(e.message),
      text,
    );
  }
  assert.equal(parseCertificateRequest(changed(at, 'b'.charCodeAt(0))).commonName, 'blice');
});

it('verifyCertificateRequest() throws errors only, whatever byte is wrong', async () => {
  const { request } = await makeCertificateRequest(NODE, [{ type: 'dns', value: 'x' }]);
  const { bytes } = pemBlocks(request)[0] ?? assert.fail();
  for (let at = 0; at < bytes.length; at++) {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0x81;
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${copy.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    assert.throws(() => verifyCertificateRequest(text), Error, `byte ${at}`);
  }
});

const DNS = { type: 'dns', value: 'n1' } as const;
const CLIENT = ['digital signature', 'client auth'];
const SERVING = ['digital signature', 'server auth', 'key encipherment'];
type Check = (request: CertificateRequest, usages: readonly string[]) => string | undefined;
const FORMS: readonly [
  Check,
  string,
  Parameters<typeof makeCertificateRequest>[1],
  string[],
  string?,
][] = [
  [kubeletClientError, NODE, [], CLIENT],
  [kubeletClientError, NODE, [], [...CLIENT, 'key encipherment']],
  [kubeletClientError, 'CN=system:node:n1', [], CLIENT, 'subject organization is not system:nodes'],
  [
    kubeletClientError,
    `${NODE}, O=system:masters`,
    [],
    CLIENT,
    'subject organization is not system:nodes',
  ],
  [
    kubeletClientError,
    'CN=n1, O=system:nodes',
    [],
    CLIENT,
    'subject common name does not begin with system:node:',
  ],
  [kubeletClientError, NODE, [DNS], CLIENT, 'DNS subjectAltNames are not allowed'],
  [
    kubeletClientError,
    NODE,
    [{ type: 'ip', value: '10.0.0.1' }],
    CLIENT,
    'IP subjectAltNames are not allowed',
  ],
  [
    kubeletClientError,
    NODE,
    [{ type: 'email', value: 'a@b' }],
    CLIENT,
    'Email subjectAltNames are not allowed',
  ],
  [
    kubeletClientError,
    NODE,
    [{ type: 'url', value: 'a://b' }],
    CLIENT,
    'URI subjectAltNames are not allowed',
  ],
  [
    kubeletClientError,
    NODE,
    [],
    SERVING,
    'usages did not match [client auth digital signature key encipherment]',
  ],
  [kubeletServingError, NODE, [DNS], SERVING],
  [kubeletServingError, NODE, [], SERVING, 'DNS or IP subjectAltName is required'],
  [
    kubeletServingError,
    NODE,
    [DNS, { type: 'url', value: 'a://b' }],
    SERVING,
    'URI subjectAltNames are not allowed',
  ],
  [
    kubeletServingError,
    NODE,
    [DNS],
    CLIENT,
    'usages did not match [digital signature key encipherment server auth]',
  ],
  [
    kubeletServingError,
    'CN=n1, O=system:nodes',
    [DNS],
    SERVING,
    'subject common name does not begin with system:node:',
  ],
];

for (const [check, subject, names, usages, error] of FORMS) {
  it(`${check.name}() of ${subject} with ${JSON.stringify(names)} for ${usages} is ${error}`, async () => {
    const { request } = await makeCertificateRequest(subject, names);
    assert.equal(check(parseCertificateRequest(request), usages), error);
  });
}
