import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
  SIGNERS,
} from 'kernetes/sdk';
import {
  createdAs,
  fakeClock,
  makeCertificate,
  makeCertificateRequest,
  rowOf,
  seededRandom,
  updatedAs,
  versionOf,
} from 'kernetes/sdk/testing';
import { certificateSigningRequests as kind } from './certificate-signing-request.ts';

type Spec = CertificateSigningRequest['spec'];
type Condition = CertificateSigningRequestCondition;

const NODE = 'CN=system:node:n1, O=system:nodes';
const { base64 } = await makeCertificateRequest('CN=alice');
const client = await makeCertificateRequest(NODE);
const serving = await makeCertificateRequest(NODE, [{ type: 'dns', value: 'n1' }]);
const LIFE = { notBefore: 0, notAfter: 4_000_000_000_000 };
const toBase64 = (text: string) => Buffer.from(text).toString('base64');
const CERTIFICATE = toBase64(await makeCertificate('CN=a', LIFE));
const OTHER = toBase64(await makeCertificate('CN=b', LIFE));

function request(spec: Partial<Spec> = {}, version = 'v1'): CertificateSigningRequest {
  return {
    apiVersion: `certificates.k8s.io/${version}`,
    kind: 'CertificateSigningRequest',
    metadata: { name: 'a' },
    spec: { request: base64, signerName: SIGNERS.client, usages: ['client auth'], ...spec },
  };
}

const told = (errors: readonly { field: string; message: string }[]) =>
  errors.map(({ field, message }) => `${field}: ${message}`);
const NAMES = 'spec.signerName: Invalid value';
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'";
const FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

describe('a request is valid', () => {
  const cases: readonly [string, Partial<Spec>, (string | RegExp)[], (string | RegExp)[]?][] = [
    ['as it should be', {}, []],
    ['with a signer of its own', { signerName: 'example.com/my.signer' }, []],
    ['for ten minutes', { expirationSeconds: 600 }, []],
    [
      'for less',
      { expirationSeconds: 599 },
      [
        'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 ' +
          'seconds (10 minutes)',
      ],
    ],
    [
      'without a request',
      { request: '' },
      ['spec.request: Invalid value: []byte{}: PEM block type must be CERTIFICATE REQUEST'],
    ],
    [
      'with a request that is none',
      { request: toBase64('ab\n') },
      [
        'spec.request: Invalid value: []byte{0x61, 0x62, 0xa}: PEM block type must be ' +
          'CERTIFICATE REQUEST',
      ],
    ],
    ['without usages', { usages: [] }, ['spec.usages: Required value']],
    [
      'with an unknown usage',
      { usages: ['client auth', 'fun'] },
      [/^spec.usages\[1\]: Unsupported value: "fun": supported values: "any", "cert sign", /],
      [],
    ],
    [
      'with a usage twice',
      { usages: ['any', 'any'] },
      ['spec.usages[1]: Duplicate value: "any"'],
      [],
    ],
    [
      'for the signer of before',
      { signerName: SIGNERS.legacyUnknown },
      [
        `${NAMES}: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this ` +
          'API version',
      ],
      [],
    ],
    [
      'without a signer',
      { signerName: '' },
      ['spec.signerName: Required value', `${NAMES}: "": ${FORM}`],
    ],
    [
      'for a name without a path',
      { signerName: 'example.com' },
      [`${NAMES}: "example.com": ${FORM}`],
    ],
    ['for a path in a path', { signerName: 'a.b/c/d' }, [`${NAMES}: "a.b/c/d": ${FORM}`]],
    [
      'for a domain of one label',
      { signerName: 'example/a' },
      [`${NAMES}: "example": should be a domain with at least two segments separated by dots`],
    ],
    [
      'for a domain in capitals',
      { signerName: 'Example.Com/a' },
      [new RegExp(`^${NAMES}: "Example.Com": validating label "Example": ${LABEL}`)],
    ],
    [
      'for an empty path',
      { signerName: 'a.b/' },
      [/: "": validating label "": a lowercase RFC 1123 sub/],
    ],
  ];
  for (const [name, spec, errors, beta = errors] of cases) {
    for (const [version, wanted] of [
      ['v1', errors],
      ['v1beta1', beta],
    ] as const) {
      it(`${name}, in ${version}`, () => {
        const found = told(createdAs(kind, version, request(spec, version)).errors);
        assert.equal(found.length, wanted.length, found.join('\n'));
        wanted.forEach((each, i) => {
          if (typeof each === 'string') assert.equal(found[i], each);
          else assert.match(found[i] ?? '', each);
        });
      });
    }
  }
});

describe('v1beta1 finds', () => {
  const usages = ['digital signature', 'key encipherment'];
  const cases: readonly [string, Partial<Spec>, string][] = [
    [
      'a kubelet’s client',
      { request: client.base64, usages: [...usages, 'client auth'] },
      SIGNERS.kubeletClient,
    ],
    [
      'a kubelet’s server',
      { request: serving.base64, usages: [...usages, 'server auth'] },
      SIGNERS.kubeletServing,
    ],
    ['nobody for others', { usages: [...usages, 'client auth'] }, SIGNERS.legacyUnknown],
    ['nobody for nonsense', { request: 'YQ==' }, SIGNERS.legacyUnknown],
  ];
  for (const [name, spec, signer] of cases) {
    it(name, () => {
      const body = request(spec, 'v1beta1');
      Reflect.deleteProperty(body.spec, 'signerName');
      versionOf(kind, 'v1beta1').defaults?.(body);
      assert.equal(body.spec.signerName, signer);
    });
  }

  it('the usages that kubelets always had', () => {
    const body = request({}, 'v1beta1');
    Reflect.deleteProperty(body.spec, 'usages');
    versionOf(kind, 'v1beta1').defaults?.(body);
    assert.deepEqual(body.spec.usages, usages);
  });
});

it('who asks is written down, whatever the request says, and stays', () => {
  const forged = { username: 'admin', uid: 'u', groups: ['system:masters'], extra: { a: ['b'] } };
  const { object } = createdAs(kind, 'v1', request(forged));
  const { username, uid, groups, extra } = object.spec;
  assert.deepEqual(
    [username, uid, groups, extra],
    ['test', undefined, ['system:authenticated'], undefined],
  );
  const body = structuredClone(object);
  body.spec.signerName = 'example.com/other';
  assert.deepEqual(updatedAs(kind, 'v1', { body, old: object }).object.spec, object.spec);
});

const clock = fakeClock();
const CONTEXT = { clock, random: seededRandom(1), user: { name: 'x', groups: [] } };
const NOW = '2026-01-01T00:00:00Z';
const condition = (type: string, given: Partial<Condition> = {}): Condition => ({
  type,
  status: 'True',
  ...given,
});

function withStatus(status: NonNullable<CertificateSigningRequest['status']>, version = 'v1') {
  return { ...request({}, version), status };
}

describe('approval', () => {
  const approval = kind.subresources?.find(({ name }) => name === 'approval') ?? assert.fail();

  function approve(conditions: Condition[], before: Condition[] = [], version = 'v1') {
    const object = withStatus({ conditions: before, certificate: CERTIFICATE }, version);
    approval.apply?.(object, withStatus({ conditions }, version), { ...CONTEXT, version });
    return object;
  }

  it('changes the conditions and dates them', () => {
    const { status, spec } = approve([condition('Approved')]);
    assert.equal(status.certificate, CERTIFICATE);
    assert.deepEqual(spec, request().spec);
    const [approved] = status.conditions ?? [];
    assert.ok(approved?.lastUpdateTime);
    assert.equal(approved.lastTransitionTime, approved.lastUpdateTime);
    const dated = condition('Approved', { lastUpdateTime: NOW, lastTransitionTime: NOW });
    assert.deepEqual(
      approve([condition('Approved', { lastUpdateTime: NOW })], [dated]).status.conditions,
      [dated],
    );
  });

  const refused: readonly [string, Condition[], Condition[], string, string?][] = [
    [
      'both',
      [condition('Approved'), condition('Denied')],
      [],
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      '',
    ],
    [
      'one twice',
      [condition('Approved'), condition('Approved')],
      [],
      'status.conditions[1].type: Duplicate value: "Approved"',
      '',
    ],
    ['no type', [condition('')], [], 'status.conditions[0].type: Required value', ''],
    [
      'no status',
      [condition('Approved', { status: '' })],
      [],
      'status.conditions[0].status: Required value',
    ],
    [
      'half a decision',
      [condition('Denied', { status: 'False' })],
      [],
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ],
    [
      'another status',
      [condition('Mine', { status: 'Maybe' })],
      [],
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    ],
    [
      'a change of mind',
      [condition('Approved')],
      [condition('Denied')],
      'status.conditions: Forbidden: updates may not remove a condition of type "Denied"',
    ],
    [
      'no failure any more',
      [],
      [condition('Failed')],
      'status.conditions: Forbidden: updates may not remove a condition of type "Failed"',
    ],
  ];
  for (const [name, conditions, before, message, beta = message] of refused) {
    for (const [version, wanted] of [
      ['v1', message],
      ['v1beta1', beta],
    ] as const) {
      it(`${wanted === '' ? 'takes' : 'refuses'} ${name} in ${version}`, () => {
        const attempt = () => approve(conditions, before, version);
        if (wanted === '') attempt();
        else {
          const text = `CertificateSigningRequest.certificates.k8s.io "a" is invalid: ${wanted}`;
          assert.throws(
            attempt,
            (error: Error) => ApiError.is(error, 'Invalid') && error.message === text,
          );
        }
      });
    }
  }
});

describe('status', () => {
  type Status = NonNullable<CertificateSigningRequest['status']>;
  const pem = (type: string, headers = '') =>
    toBase64(`-----BEGIN ${type}-----\n${headers}AAAA\n-----END ${type}-----\n`);
  const DATA = 'status.certificate: Invalid value: "<certificate data>"';
  const approved = condition('Approved', { lastUpdateTime: NOW, lastTransitionTime: NOW });
  const cases: readonly [string, Status, Status, string?, string?][] = [
    ['a certificate', { certificate: CERTIFICATE }, {}],
    ['a chain', { certificate: toBase64(`x\n${atob(CERTIFICATE)}${atob(OTHER)}`) }, {}],
    ['a failure', { conditions: [approved, condition('Failed')] }, { conditions: [approved] }],
    [
      'another certificate',
      { certificate: OTHER },
      { certificate: CERTIFICATE },
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ],
    [
      'no certificate any more',
      {},
      { certificate: CERTIFICATE },
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ],
    [
      'some text',
      { certificate: 'YQ==' },
      {},
      `${DATA}: must contain at least one CERTIFICATE PEM block`,
      '',
    ],
    [
      'a key',
      { certificate: pem('PRIVATE KEY') },
      {},
      `${DATA}: only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"`,
      '',
    ],
    [
      'headers',
      { certificate: pem('CERTIFICATE', 'A: b\n\n') },
      {},
      `${DATA}: no PEM block headers are permitted`,
      '',
    ],
    [
      'no certificate at all',
      { certificate: pem('CERTIFICATE') },
      {},
      `${DATA}: x509: malformed certificate`,
      '',
    ],
    [
      'an approval',
      { conditions: [condition('Approved')] },
      {},
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
      '',
    ],
    [
      'no approval any more',
      { conditions: [] },
      { conditions: [approved] },
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
      '',
    ],
    [
      'an approval in other words',
      { conditions: [condition('Approved', { message: 'x' })] },
      { conditions: [approved] },
    ],
  ];
  for (const [name, status, before, message = '', beta = message] of cases) {
    for (const [version, wanted] of [
      ['v1', message],
      ['v1beta1', beta],
    ] as const) {
      it(`${wanted === '' ? 'takes' : 'refuses'} ${name} in ${version}`, () => {
        const old = withStatus(before, version);
        const object = withStatus(structuredClone(status), version);
        const { prepareStatusUpdate, validateStatusUpdate } = kind.strategy;
        prepareStatusUpdate?.(object, old, { ...CONTEXT, version });
        assert.deepEqual(
          told(validateStatusUpdate?.(object, old) ?? []),
          wanted === '' ? [] : [wanted],
        );
        const decided = object.status.conditions?.filter(({ type }) => type === 'Approved');
        if (wanted === '') assert.deepEqual(decided ?? [], before.conditions ?? []);
      });
    }
  }
});

describe('the table', () => {
  const cases: readonly [string[], string, string][] = [
    [[], '', 'Pending'],
    [['Approved'], '', 'Approved'],
    [['Denied'], '', 'Denied'],
    [['Approved'], CERTIFICATE, 'Approved,Issued'],
    [['Approved', 'Failed'], '', 'Approved,Failed'],
    [['Failed'], '', 'Pending,Failed'],
  ];
  for (const [types, certificate, cell] of cases) {
    it(`says ${cell}`, () => {
      const object = withStatus({ conditions: types.map(type => condition(type)), certificate });
      object.spec = { ...object.spec, username: 'alice', expirationSeconds: 86_400 };
      const { Age, ...row } = rowOf(kind, 'v1', { object, now: 0 });
      assert.deepEqual(row, {
        Name: 'a',
        SignerName: SIGNERS.client,
        Requestor: 'alice',
        RequestedDuration: '24h',
        Condition: cell,
      });
    });
  }
});
