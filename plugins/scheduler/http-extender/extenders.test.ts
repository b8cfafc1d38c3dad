import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  type EvaluateBatch,
  NO_NODE_CHANGES,
  Node,
  nodeCopyOf,
  nodeUsageOf,
  packPods,
  podInfoOf,
  type SchedulerContribution,
  schedulerPoint,
} from 'kernetes/sdk';
import { activate, makeServerCertificate, node, nodeStates, pod } from 'kernetes/sdk/testing';
import type { ExtenderSetting } from './extender.ts';
import plugin from './plugin.ts';

type Body = Readonly<Record<string, unknown>>;
type Answer = { readonly code: number } | 'never' | object;

/** A server of our own: what it was asked, and what it says to each verb. */
async function serve(
  t: TestContext,
  answers: Readonly<Record<string, (body: Body) => Answer>>,
  tls?: Tls,
) {
  const asked: { verb: string; body: Body }[] = [];
  const listener: RequestListener = async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const verb = request.url?.split('/').at(-1) ?? '';
    const body = JSON.parse(Buffer.concat(parts).toString()) as Body;
    asked.push({ verb, body });
    const answer = answers[verb]?.(body) ?? { code: 404 };
    if (answer === 'never') return;
    const isCode = typeof answer === 'object' && 'code' in answer;
    response.statusCode = isCode ? (answer.code as number) : 200;
    response.end(JSON.stringify(answer));
  };
  const server = tls
    ? createSecureServer({ key: tls.key, cert: tls.certificate }, listener)
    : createServer(listener);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { asked, url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/scheduler/` };
}

interface Tls {
  readonly key: string;
  readonly certificate: string;
}

async function open(t: TestContext, extenders: readonly ExtenderSetting[]) {
  const running = await activate(plugin, { config: { extenders } });
  t.after(() => running.dispose());
  const [contribution] = running.context.contributions(schedulerPoint).list();
  return { ...running, value: contribution?.value ?? assert.fail('nothing was provided') };
}

const NODES: readonly Node[] = ['a', 'b', 'c'].map(name => node(name));
const POD = pod('p', { metadata: { uid: 'u1', labels: { app: 'web' } } });

function batchOf(pods = [POD]): EvaluateBatch {
  const states = nodeStates(NODES);
  const changes = { nodes: states.map(nodeCopyOf), usage: nodeUsageOf(states) };
  return {
    changes: { ...NO_NODE_CHANGES, reset: true, ...changes },
    pods: packPods(pods.map(podInfoOf)),
    nodes: Int32Array.from(pods.flatMap(() => [0, 1, 2])),
    offsets: Int32Array.from([...pods, POD].map((_, i) => 3 * i)),
    filter: true,
    score: true,
  };
}

async function evaluate(value: SchedulerContribution, pods = [POD]) {
  const { verdicts, refusals, scores, errors } = await value.evaluate(batchOf(pods));
  const said = [...verdicts].map(place => {
    const refusal = refusals[place - 1];
    return refusal && 'reasons' in refusal ? `${refusal.code}: ${refusal.reasons}` : '';
  });
  return { said, scores: [...scores], errors: errors.map(({ message }) => message) };
}

const filterVerb = 'filter';

test('nodes go through the filters in sequence, with the reasons of each', async t => {
  const first = await serve(t, {
    filter: () => ({
      nodenames: ['a', 'b'],
      failedNodes: { c: 'too slow' },
      error: '',
    }),
  });
  const second = await serve(t, {
    filter: () => ({ nodenames: ['a'], failedAndUnresolvableNodes: { b: 'never' } }),
  });
  const nodeCacheCapable = true;
  const { value } = await open(t, [
    { urlPrefix: first.url, filterVerb, nodeCacheCapable },
    { urlPrefix: second.url, filterVerb, nodeCacheCapable },
  ]);
  assert.deepEqual(value.points, ['filter']);
  assert.equal(value.local, undefined);
  const { said } = await evaluate(value);
  assert.deepEqual(said, ['', 'unresolvable: never', 'unschedulable: too slow']);
  const [{ body } = assert.fail()] = first.asked;
  assert.deepEqual(body.nodenames, ['a', 'b', 'c']);
  assert.deepEqual((body.pod as { metadata: unknown }).metadata, {
    name: 'p',
    namespace: 'default',
    uid: 'u1',
    labels: { app: 'web' },
    annotations: {},
  });
  assert.deepEqual(second.asked[0]?.body.nodenames, ['a', 'b']);
});

test('an extender without a cache of nodes gets them whole', async t => {
  const server = await serve(t, {
    filter: body => ({ nodes: { items: (body.nodes as { items: object[] }).items.slice(1) } }),
  });
  const { value, kernel, clock } = await open(t, [{ urlPrefix: server.url, filterVerb }]);
  kernel.add(Node, ...NODES);
  await clock.step(10);
  const { said } = await evaluate(value);
  assert.equal(said[0], 'unschedulable: node(s) were refused by an extender');
  assert.deepEqual(said.slice(1), ['', '']);
});

test('priorities count by weight, and those of a failed extender not at all', async t => {
  const good = await serve(t, {
    prioritize: () => [
      { host: 'a', score: 10 },
      { host: 'b', score: 5 },
    ],
  });
  const bad = await serve(t, { prioritize: () => ({ code: 500 }) });
  const prioritizeVerb = 'prioritize';
  const { value } = await open(t, [
    { urlPrefix: good.url, prioritizeVerb, weight: 3, nodeCacheCapable: true },
    { urlPrefix: bad.url, prioritizeVerb, weight: 1, nodeCacheCapable: true },
  ]);
  const { scores, errors } = await evaluate(value);
  assert.deepEqual([scores, errors], [[75, 37.5, 0], []]);
});

const FAULTS: Readonly<Record<string, readonly [() => Answer, RegExp]>> = {
  'answers 500': [() => ({ code: 500 }), /failed filter with extender at URL http.*: code 500/],
  'never answers': [() => 'never', /no answer within 50 ms/],
  'says what is wrong': [() => ({ error: 'no idea' }), /^no idea$/],
  'names other nodes': [() => ({ nodenames: ['x'] }), /claims a filtered node "x"/],
  'gives no object': [() => 5 as unknown as object, /its answer is no object/],
};

for (const [fault, [answer, says]] of Object.entries(FAULTS)) {
  for (const ignorable of [false, true]) {
    test(`an extender that ${fault}${ignorable ? ', and may be ignored' : ''}`, async t => {
      const server = await serve(t, { filter: answer });
      const httpTimeoutMs = fault === 'never answers' ? 50 : 5_000;
      const setting = { urlPrefix: server.url, filterVerb, ignorable, httpTimeoutMs };
      const { value, clock } = await open(t, [{ ...setting, nodeCacheCapable: true }]);
      const outcome = evaluate(value);
      if (fault === 'never answers') {
        while (server.asked.length === 0) await new Promise(setImmediate);
        await clock.step(50);
      }
      const { said, errors } = await outcome;
      assert.deepEqual(said, ['', '', '']);
      assert.equal(errors.length, ignorable ? 0 : 1);
      if (!ignorable) assert.match(errors[0] ?? '', says);
    });
  }
}

test('only pods that ask for its resources concern an extender', async t => {
  const server = await serve(t, { filter: () => ({ nodenames: [] }), bind: () => ({}) });
  const managedResources = [{ name: 'example.com/gpu' }];
  const { value } = await open(t, [
    {
      urlPrefix: server.url,
      filterVerb,
      bindVerb: 'bind',
      managedResources,
      nodeCacheCapable: true,
    },
  ]);
  const limits = { 'example.com/gpu': '1' };
  const asking = pod('gpu', {
    metadata: { uid: 'u2' },
    spec: { containers: [{ name: 'c', image: 'i', resources: { limits } }] },
  });
  const { said } = await evaluate(value, [POD, asking]);
  assert.deepEqual(said.slice(0, 3), ['', '', '']);
  assert.equal(server.asked.length, 1);
  const bindings = [POD, asking].map(each => ({ pod: podInfoOf(each), nodeName: 'a' }));
  const verdicts = await value.invoke({
    point: 'bind',
    bindings,
    nodes: [],
    usage: nodeUsageOf([]),
  });
  assert.deepEqual(verdicts, [{ code: 'skip' }, undefined]);
  assert.deepEqual(server.asked[1]?.body, {
    podName: 'gpu',
    podNamespace: 'default',
    podUID: 'u2',
    node: 'a',
  });
});

test('a preempting extender leaves some of the choices, and no victims of its own', async t => {
  const victim = podInfoOf(pod('v', { metadata: { uid: 'v1' } }));
  const answers = [
    { b: { pods: [{ uid: 'v1' }], numPDBViolations: 1 } },
    { b: { pods: [{ uid: 'x' }] } },
  ];
  const server = await serve(t, {
    preempt: () => ({ nodeNameToMetaVictims: answers[server.asked.length - 1] }),
  });
  const { value } = await open(t, [
    { urlPrefix: server.url, preemptVerb: 'preempt', nodeCacheCapable: true },
  ]);
  const choices = ['a', 'b'].map(nodeName => ({ nodeName, victims: [victim], violations: 1 }));
  const question = { point: 'preempt', pod: podInfoOf(POD), choices, nodes: [] } as const;
  const { choices: left } = await value.consult(question);
  assert.deepEqual(left, [{ nodeName: 'b', victims: ['default/v'], violations: 1 }]);
  assert.deepEqual(server.asked[0]?.body.nodeNameToMetaVictims, {
    a: { pods: [{ uid: 'v1' }], numPDBViolations: 1 },
    b: { pods: [{ uid: 'v1' }], numPDBViolations: 1 },
  });
  await assert.rejects(value.consult(question), /claims to preempt pod \(UID: x\) on node: b/);
});

test('an HTTPS extender is verified by its CA, and without one only if that is meant', async t => {
  const tls = await makeServerCertificate(['127.0.0.1']);
  const server = await serve(t, { filter: () => ({ nodenames: ['a', 'b', 'c'] }) }, tls);
  const setting = { urlPrefix: server.url, filterVerb, nodeCacheCapable: true };
  const caData = Buffer.from(tls.certificate).toString('base64');
  const cases: readonly (readonly [Partial<ExtenderSetting>, number])[] = [
    [{ tlsConfig: { caData } }, 0],
    [{ enableHTTPS: true }, 0],
    [{ tlsConfig: { insecure: true } }, 0],
    [{}, 1],
  ];
  for (const [more, errorCount] of cases) {
    const { value } = await open(t, [{ ...setting, ...more }]);
    const { errors } = await evaluate(value);
    assert.equal(errors.length, errorCount, JSON.stringify(more));
  }
});
