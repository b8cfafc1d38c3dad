import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  Node,
  Pod,
  Secret,
  ServiceAccount,
  type TokenRequest,
  type TokenRequestSpec,
} from 'kernetes/sdk';
import { TestKernel, testContext } from 'kernetes/sdk/testing';
import type { TokenClaims } from './claims.ts';
import { tokenRequests } from './token-request.ts';

const PLACE = { namespace: 'default' };
const OURS = 'https://issuer';

/** Asks for a token of `default/robot`. */
async function ask(
  spec: TokenRequestSpec,
  { metadata = {}, max = 0 }: { metadata?: TokenRequest['metadata']; max?: number } = {},
) {
  const kernel = new TestKernel();
  const [account] = kernel.add(ServiceAccount, { metadata: { name: 'robot', ...PLACE } });
  const containers = [{ name: 'c', image: 'i' }];
  const pod = (name: string, serviceAccountName: string, nodeName?: string): Pod => ({
    metadata: { name, ...PLACE },
    spec: { containers, serviceAccountName, ...(nodeName && { nodeName }) },
  });
  kernel.add(Pod, pod('web', 'robot'), pod('on', 'robot', 'n1'), pod('lost', 'robot', 'n2'));
  kernel.add(Pod, pod('other', 'boss'));
  kernel.add(Secret, { metadata: { name: 'box', ...PLACE } });
  kernel.add(Node, { metadata: { name: 'n1' } });
  const { context, clock } = testContext({ kernel });
  const signed: TokenClaims[] = [];
  const handler = tokenRequests({
    issuer: OURS,
    apiAudiences: [OURS],
    maxExpirationSeconds: max,
    clock,
    random: context.random,
    objects: context.objects,
    sign: claims => `token ${signed.push(claims)}`,
  });
  const body: TokenRequest = { metadata, spec };
  handler.body?.defaults?.(body);
  assert.ok(account);
  const { value } = await handler.handle({
    verb: 'create',
    user: { name: 'x', groups: [] },
    name: 'robot',
    ...PLACE,
    object: account,
    body,
    dryRun: false,
    options: {},
  });
  const [claims] = signed;
  assert.ok(claims);
  const seconds = Math.floor(clock.now() / 1_000);
  const own = claims['kubernetes.io'];
  return { answer: value as TokenRequest, claims, own, lasts: claims.exp - seconds, kernel };
}

describe('serviceaccounts/token', () => {
  it('gives a token for the API server that is good for an hour', async () => {
    const { answer, claims, own, lasts } = await ask({});
    assert.deepEqual([answer.kind, answer.metadata.name, lasts], ['TokenRequest', 'robot', 3_600]);
    assert.deepEqual([claims.iss, claims.aud], [OURS, [OURS]]);
    assert.equal(claims.sub, 'system:serviceaccount:default:robot');
    assert.deepEqual(Object.keys(own), ['namespace', 'serviceaccount']);
    assert.deepEqual([answer.spec?.audiences, answer.spec?.expirationSeconds], [[OURS], 3_600]);
    assert.equal(answer.status?.token, 'token 1');
    assert.equal(Date.parse(answer.status?.expirationTimestamp ?? ''), claims.exp * 1_000);
  });

  const ref = (kind: string, name: string, more: object = {}) => ({
    boundObjectRef: { apiVersion: 'v1', kind, name, ...more },
  });
  const bound: { name: string; spec: TokenRequestSpec; names: Record<string, string> }[] = [
    { name: 'a pod', spec: ref('Pod', 'web'), names: { pod: 'web' } },
    { name: 'a pod on a node', spec: ref('Pod', 'on'), names: { pod: 'on', node: 'n1' } },
    {
      name: 'a pod on a node that is gone',
      spec: ref('Pod', 'lost'),
      names: { pod: 'lost', node: 'n2 (no uid)' },
    },
    { name: 'a secret', spec: ref('Secret', 'box'), names: { secret: 'box' } },
    { name: 'a node', spec: ref('Node', 'n1'), names: { node: 'n1' } },
  ];
  for (const { name, spec, names } of bound) {
    it(`binds to ${name}`, async () => {
      const { own } = await ask(spec);
      const { pod, secret, node } = own;
      const told = Object.entries({ pod, secret, node })
        .filter(([, value]) => value !== undefined)
        .map(([kind, value]) => [kind, value?.uid ? value.name : `${value?.name} (no uid)`]);
      assert.deepEqual(Object.fromEntries(told), names);
    });
  }

  it('lasts as long as asked, up to the longest that is allowed', async () => {
    assert.equal((await ask({ expirationSeconds: 600 })).lasts, 600);
    const { answer, lasts } = await ask({ expirationSeconds: 7_200 }, { max: 3_000 });
    assert.deepEqual([lasts, answer.spec?.expirationSeconds], [3_000, 3_000]);
  });

  it('is good for a year, with a warning, as what a pod has mounted', async () => {
    const { claims, own, lasts, answer } = await ask({
      ...ref('Pod', 'web'),
      expirationSeconds: 3_607,
    });
    assert.deepEqual([lasts, own.warnafter], [365 * 24 * 3_600, claims.iat + 3_607]);
    assert.equal(
      Date.parse(answer.status?.expirationTimestamp ?? ''),
      (claims.iat + 3_607) * 1_000,
    );
    const vault = { audiences: ['vault'], expirationSeconds: 3_607 };
    assert.equal((await ask({ ...ref('Pod', 'web'), ...vault })).lasts, 3_607);
    assert.equal((await ask({ expirationSeconds: 3_607 })).lasts, 3_607);
  });

  const refusals: {
    name: string;
    spec: TokenRequestSpec;
    metadata?: TokenRequest['metadata'];
    code: number;
    says: RegExp;
  }[] = [
    {
      name: 'less than ten minutes',
      spec: { expirationSeconds: 599 },
      code: 422,
      says: /spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 m/,
    },
    {
      name: 'more than can be written',
      spec: { expirationSeconds: 2 ** 32 + 1 },
      code: 422,
      says: /may not specify a duration larger than 2\^32 seconds/,
    },
    {
      name: "another account's name",
      spec: {},
      metadata: { name: 'boss' },
      code: 422,
      says: /metadata.name: Invalid value: "boss": must match the service account name if specified/,
    },
    {
      name: 'another namespace',
      spec: {},
      metadata: { namespace: 'x' },
      code: 422,
      says: /must match the service account namespace if specified/,
    },
    {
      name: "another account's pod",
      spec: ref('Pod', 'other'),
      code: 400,
      says: /cannot bind token for serviceaccount "robot" to pod running with different/,
    },
    {
      name: 'a pod that is not there',
      spec: ref('Pod', 'none'),
      code: 404,
      says: /pods "none" not found/,
    },
    {
      name: 'another uid',
      spec: ref('Secret', 'box', { uid: 'old' }),
      code: 409,
      says: /the UID in the bound object reference \(old\) does not match the UID in record/,
    },
    {
      name: 'another kind',
      spec: ref('ConfigMap', 'x'),
      code: 400,
      says: /cannot bind token to object of type \/v1, Kind=ConfigMap$/,
    },
    {
      name: 'a Pod of another group',
      spec: ref('Pod', 'web', { apiVersion: 'metrics.k8s.io/v1' }),
      code: 400,
      says: /of type metrics.k8s.io\/v1, Kind=Pod$/,
    },
  ];
  for (const { name, spec, metadata = {}, code, says } of refusals) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(ask(spec, { metadata }), error => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.code, code);
        assert.match(error.message, says);
        return true;
      });
    });
  }
});
