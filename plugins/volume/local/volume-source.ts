import type { PersistentVolumeSpec, ProvisionRequest } from 'kernetes/sdk';

/** Where a volume is: on the node that was chosen for it, or wherever its pod runs. */
export function sourceAt(
  path: string,
  { selectedNode, storageClass }: ProvisionRequest,
): PersistentVolumeSpec {
  if (selectedNode) {
    const { name, labels } = selectedNode;
    return { local: { path }, nodeAffinity: onlyAt([labels[HOSTNAME] ?? name]) };
  }
  const source = { hostPath: { path, type: 'DirectoryOrCreate' } };
  const nodeSelectorTerms = (storageClass.allowedTopologies ?? []).map(
    ({ matchLabelExpressions = [] }) => ({
      matchExpressions: matchLabelExpressions.map(({ key, values }) => ({
        ...{ key, operator: 'In', values },
      })),
    }),
  );
  // A term that asks for nothing is met everywhere; as a selector it would be met nowhere.
  const isFree = nodeSelectorTerms.some(({ matchExpressions }) => matchExpressions.length === 0);
  if (isFree || nodeSelectorTerms.length === 0) return source;
  return { ...source, nodeAffinity: { required: { nodeSelectorTerms } } };
}

function onlyAt(values: string[]) {
  const matchExpressions = [{ key: HOSTNAME, operator: 'In', values }];
  return { required: { nodeSelectorTerms: [{ matchExpressions }] } };
}

const HOSTNAME = 'kubernetes.io/hostname';
