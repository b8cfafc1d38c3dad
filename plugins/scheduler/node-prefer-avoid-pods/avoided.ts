import type { NodeInfo, OwnerReference, PodInfo } from 'kernetes/sdk';

export const ANNOTATION = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

const CONTROLLERS = new Set(['ReplicationController', 'ReplicaSet']);

/** Whose pods a node can ask to be spared of. */
export function avoidable({ controller }: PodInfo): OwnerReference | undefined {
  return controller && CONTROLLERS.has(controller.kind) ? controller : undefined;
}

/** Whether the node's annotation names the controller. What cannot be read asks for nothing. */
export function isAvoided({ annotations }: NodeInfo, { kind, uid }: OwnerReference): boolean {
  const text = annotations[ANNOTATION];
  if (text === undefined) return false;
  return controllersIn(text).some(one => one.kind === kind && one.uid === uid);
}

function controllersIn(text: string): readonly Partial<OwnerReference>[] {
  let content: Annotation | undefined;
  try {
    content = JSON.parse(text);
  } catch {
    return [];
  }
  const entries = content?.preferAvoidPods;
  return (Array.isArray(entries) ? entries : []).map(entry => {
    return entry?.podSignature?.podController ?? {};
  });
}

/** Anybody may have written it: any part may be missing. */
interface Annotation {
  readonly preferAvoidPods?: readonly ({
    readonly podSignature?: { readonly podController?: Partial<OwnerReference> };
  } | null)[];
}
