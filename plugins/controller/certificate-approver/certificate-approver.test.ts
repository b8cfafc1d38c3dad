import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  type Attributes,
  CertificateSigningRequest,
  type Door,
  doorPoint,
  SIGNERS,
} from 'kernetes/sdk';
import { activate, makeCertificateRequest, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NAME = 'system:node:n1';
const node = await makeCertificateRequest(`CN=${NAME}, O=system:nodes`);
const other = await makeCertificateRequest('CN=alice');

interface Case {
  readonly name: string;
  readonly spec?: Partial<CertificateSigningRequest['spec']>;
  readonly conditions?: readonly string[];
  /** What the authorizers allow, of what. */
  readonly allowed: readonly string[];
  readonly asked: readonly string[];
  /** What the approval says; absent: there is none. */
  readonly message?: string;
}

const SELF = 'Auto approving self kubelet client certificate after SubjectAccessReview.';
const ANY = 'Auto approving kubelet client certificate after SubjectAccessReview.';
const BOTH = ['selfnodeclient', 'nodeclient'];
const CASES: readonly Case[] = [
  {
    name: 'approves a node that renews its own',
    allowed: BOTH,
    asked: ['selfnodeclient'],
    message: SELF,
  },
  {
    name: 'approves a node as it would a machine',
    allowed: ['nodeclient'],
    asked: BOTH,
    message: ANY,
  },
  {
    name: 'approves a machine that joins',
    spec: { username: 'system:bootstrap:abc' },
    allowed: BOTH,
    asked: ['nodeclient'],
    message: ANY,
  },
  { name: 'leaves who may not', allowed: [], asked: BOTH },
  {
    name: 'leaves a machine that may only renew',
    spec: { username: 'system:bootstrap:abc' },
    allowed: ['selfnodeclient'],
    asked: ['nodeclient'],
  },
  { name: 'leaves other signers', spec: { signerName: SIGNERS.client }, allowed: BOTH, asked: [] },
  { name: 'leaves who is no node', spec: { request: other.base64 }, allowed: BOTH, asked: [] },
  { name: 'leaves other usages', spec: { usages: ['server auth'] }, allowed: BOTH, asked: [] },
  { name: 'leaves what was denied', conditions: ['Denied'], allowed: BOTH, asked: [] },
];

for (const { name, spec, conditions = [], allowed, asked, message } of CASES) {
  it(`controller.certificate-approver ${name}`, async () => {
    const kernel = new TestKernel();
    const questions: string[] = [];
    const review = async (attributes: Attributes) => {
      assert.ok('resource' in attributes);
      const { user, verb, subresource } = attributes;
      assert.deepEqual([verb, user.groups, user.extra], ['create', ['g'], { k: ['v'] }]);
      questions.push(subresource);
      return { allowed: allowed.includes(subresource), denied: false, reason: '' };
    };
    // The rest of the door is of no use to it.
    const door = { review } as Partial<Door> as Door;
    testContext({ kernel, name: 'kernel' }).context.provide(doorPoint, door);
    kernel.add(CertificateSigningRequest, {
      ...requestOf(spec),
      status: { conditions: conditions.map(type => ({ type, status: 'True' })) },
    });
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(questions, asked);
    const found = kernel.get(CertificateSigningRequest, 'a')?.status?.conditions ?? [];
    const approval = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
    if (message !== undefined) assert.deepEqual(found, [approval]);
    else assert.equal(found.length, conditions.length);
    await clock.step(60_000);
    // Roles may have been given meanwhile.
    assert.equal(questions.length, message === undefined ? asked.length * 2 : asked.length);
  });
}

it('controller.certificate-approver tries again when no door is open yet', async () => {
  const kernel = new TestKernel();
  kernel.add(CertificateSigningRequest, requestOf());
  const { clock } = await activate(plugin, { kernel });
  const conditions = () => kernel.get(CertificateSigningRequest, 'a')?.status?.conditions ?? [];
  assert.deepEqual(conditions(), []);
  const review = async () => ({ allowed: true, denied: false, reason: '' });
  testContext({ kernel, name: 'kernel' }).context.provide(doorPoint, {
    review,
  } as Partial<Door> as Door);
  await clock.step(10_000);
  assert.deepEqual(
    conditions().map(({ type }) => type),
    ['Approved'],
  );
});

function requestOf(spec: Case['spec'] = {}): CertificateSigningRequest {
  return {
    metadata: { name: 'a' },
    spec: {
      request: node.base64,
      signerName: SIGNERS.kubeletClient,
      usages: ['digital signature', 'client auth'],
      username: NAME,
      groups: ['g'],
      extra: { k: ['v'] },
      ...spec,
    },
  };
}
