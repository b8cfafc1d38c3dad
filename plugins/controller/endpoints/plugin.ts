import {
  byLabel,
  controller,
  Endpoints,
  POD_FIELDS,
  Pod,
  Service,
  servicesOfPod,
} from 'kernetes/sdk';
import { reconcile } from './endpoints.ts';

export default controller({
  name: 'controller.endpoints',
  leader: 'kube-controller-manager',
  for: Service,
  watches: [
    { kind: Pod, fields: POD_FIELDS, indexes: { label: byLabel }, map: servicesOfPod },
    {
      kind: Endpoints,
      map: ({ metadata: { namespace = '', name = '' } }) => [{ namespace, name }],
    },
  ],
  concurrency: 10,
  // Pods come in crowds, and each time all of them are written.
  intervalMs: 100,
  reconcile,
});
