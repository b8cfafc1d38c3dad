import {
  componentPoint,
  definePlugin,
  provideKinds,
  RELEASE_CONFIG,
  type ReleaseConfig,
} from 'kernetes/sdk';
import { bindings } from './binding.ts';
import { componentStatuses } from './component-status.ts';
import { configMaps } from './config-map.ts';
import { endpoints } from './endpoints.ts';
import { events } from './event.ts';
import { limitRanges } from './limit-range.ts';
import { namespaces } from './namespace.ts';
import { nodes } from './node.ts';
import { persistentVolumes } from './persistent-volume.ts';
import { persistentVolumeClaims } from './persistent-volume-claim.ts';
import { pods } from './pod.ts';
import { podTemplates } from './pod-template.ts';
import { replicationControllers } from './replication-controller.ts';
import { resourceQuotas } from './resource-quota.ts';
import { secrets } from './secret.ts';
import { services } from './service.ts';
import { serviceAccounts } from './service-account.ts';

export const CORE_KINDS = [
  bindings,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
];

export default definePlugin<ReleaseConfig>({
  name: 'kind.core',
  config: RELEASE_CONFIG,
  activate(ctx) {
    const { clock, objects } = ctx;
    const components = ctx.contributions(componentPoint);
    provideKinds(ctx, [...CORE_KINDS, componentStatuses({ clock, objects, components })]);
  },
});
