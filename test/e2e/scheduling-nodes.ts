import { Node, type Taint } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MASTER: Taint = { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' };
const [SSD, CPU] = [{ ssd: 'true' }, { cpu: 'high' }];
const LABELS: Record<number, Record<string, string>> = {
  54: { ...SSD, ...CPU },
  55: SSD,
  56: CPU,
};

/** A cluster on a clock of its own: three masters without room for pods, three nodes with labels. */
export async function startSchedulingNodes() {
  const clock = fakeClock(wholeMinute());
  const started = await startCluster({ nodes: 0, clock, random: seededRandom() });
  for (const last of [51, 52, 53, 54, 55, 56]) {
    const name = `centos-7-${last}`;
    const own = { 'node.kernetes.io/agent': 'node.agent', 'kubernetes.io/hostname': name };
    const metadata = { name, labels: { ...own, ...LABELS[last] } };
    const taints = last < 54 ? [MASTER] : [];
    await started.cluster.objects.create(Node, { metadata, spec: { taints } });
  }
  await clock.step(20_000);
  return { ...started, clock };
}
