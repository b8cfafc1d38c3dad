import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { Cache } from './cache.ts';

const REQUESTS = { cpu: '1', memory: '1Gi' };

const UID_A = { metadata: { uid: 'uid-a' } };

function info(name: string, uid = `uid-${name}`) {
  const containers = [{ name: 'c', image: 'i', resources: { requests: REQUESTS } }];
  return podInfoOf(pod(name, { metadata: { uid }, spec: { containers } }));
}

test('an assumed pod counts until it is forgotten', () => {
  const cache = new Cache();
  cache.setNode(node('n'));
  cache.assume(info('a'), 'n');
  assert.equal(cache.node('n')?.requested.milliCpu, 1000);
  assert.equal(cache.forget(info('a')), true);
  assert.equal(cache.node('n')?.requested.milliCpu, 0);
  assert.equal(cache.forget(info('a')), false);
});

test('a pod that came back as assumed leaves its node unchanged', () => {
  const cache = new Cache();
  cache.setNode(node('n'));
  cache.assume(info('a'), 'n');
  const generation = cache.node('n')?.generation;
  assert.equal(cache.confirm('default/a', pod('a', UID_A), 'n'), true);
  cache.setPod(info('a'), 'n');
  assert.equal(cache.node('n')?.generation, generation);
  assert.equal(cache.forget(info('a')), false, 'it is the API that says so now');
});

test('a pod that came back with other labels has them', () => {
  for (const labels of [{ app: 'web' }, {}]) {
    const cache = new Cache();
    cache.setNode(node('n'));
    const before = labels.app ? {} : { app: 'db' };
    cache.assume(podInfoOf(pod('a', { metadata: { uid: 'uid-a', labels: before } })), 'n');
    const now = pod('a', { metadata: { uid: 'uid-a', labels } });
    assert.equal(cache.confirm('default/a', now, 'n'), false);
    cache.setPod(podInfoOf(now), 'n');
    assert.deepEqual(cache.node('n')?.pods[0]?.labels, labels);
    assert.equal(cache.isAssumed('default/a'), false);
  }
});

test('forget() leaves another pod of the same name alone', () => {
  const cache = new Cache();
  cache.setNode(node('n'));
  cache.assume(info('a', 'second'), 'n');
  assert.equal(cache.forget(info('a', 'first')), false);
  assert.equal(cache.node('n')?.pods.length, 1);
});

test('a pod that somebody bound elsewhere moves there', () => {
  const cache = new Cache();
  cache.setNode(node('n'));
  cache.setNode(node('m'));
  cache.assume(info('a'), 'n');
  assert.equal(cache.confirm('default/a', pod('a', UID_A), 'm'), false);
  cache.setPod(info('a'), 'm');
  assert.equal(cache.node('n')?.pods.length, 0);
  assert.equal(cache.node('m')?.pods.length, 1);
});

test('pods known before their node, or after it went, are counted when it is there', () => {
  const cache = new Cache();
  cache.setPod(info('a'), 'n');
  assert.equal(cache.node('n'), undefined);
  assert.deepEqual(cache.nodes, []);
  cache.setNode(node('n'));
  assert.equal(cache.node('n')?.requested.pods, 1);
  cache.removeNode('n');
  assert.deepEqual(cache.nodes, []);
  cache.setNode(node('n'));
  assert.equal(cache.node('n')?.requested.pods, 1);
});

test('indices of gone nodes are used again, generations are not', () => {
  const cache = new Cache();
  cache.setNode(node('n'));
  const { index, generation } = cache.node('n') ?? assert.fail();
  cache.removeNode('n');
  cache.setNode(node('m'));
  assert.equal(cache.node('m')?.index, index);
  assert.ok((cache.node('m')?.generation ?? 0) > generation);
  assert.equal(cache.indexEnd, 1);
});

test('setNode() tells what changed, and leaves the generation if nothing did', () => {
  const cache = new Cache();
  assert.deepEqual(cache.setNode(node('n')), ['NodeAdd']);
  const generation = cache.node('n')?.generation;
  assert.deepEqual(cache.setNode(node('n', { metadata: { resourceVersion: '9' } })), []);
  assert.equal(cache.node('n')?.generation, generation);
  const cordoned = node('n', { spec: { unschedulable: true } });
  assert.deepEqual(cache.setNode(cordoned), ['NodeTaint']);
  assert.notEqual(cache.node('n')?.generation, generation);
  assert.deepEqual(cache.setNode(node('n', { metadata: { labels: {} } })), [
    'NodeLabel',
    'NodeTaint',
  ]);
});

test('setNode() tells what a node says of itself, not when it last said so', () => {
  const saying = (status: string, lastHeartbeatTime: string) => {
    const conditions = [{ type: 'Ready', status, lastHeartbeatTime }];
    return { ...node('n'), status: { ...node('n').status, conditions } };
  };
  const cache = new Cache();
  cache.setNode(saying('True', '2026-01-01T00:00:00Z'));
  assert.deepEqual(cache.setNode(saying('True', '2026-01-01T00:00:10Z')), []);
  assert.deepEqual(cache.setNode(saying('False', '2026-01-01T00:00:10Z')), ['NodeCondition']);
});

test('nodes of different zones take turns', () => {
  const cache = new Cache();
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) {
    const labels = { 'topology.kubernetes.io/zone': name.charAt(0) };
    cache.setNode(node(name, { metadata: { labels } }));
  }
  assert.deepEqual(
    cache.nodes.map(({ name }) => name),
    ['a1', 'b1', 'c1', 'a2', 'c2', 'a3'],
  );
});
