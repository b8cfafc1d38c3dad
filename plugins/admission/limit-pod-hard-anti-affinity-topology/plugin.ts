import {
  type AdmissionRequest,
  admissionForbidden,
  admissionPoint,
  definePlugin,
  type Pod,
} from 'kernetes/sdk';

const HOSTNAME = 'kubernetes.io/hostname';

export default definePlugin({
  name: 'admission.limit-pod-hard-anti-affinity-topology',
  activate(ctx) {
    ctx.provide(admissionPoint, {
      rules: [{ operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['pods'] }],
      validate: refuseWideTopologies,
    });
  },
});

function refuseWideTopologies(request: AdmissionRequest): undefined {
  const { podAntiAffinity } = (request.object as Pod).spec?.affinity ?? {};
  const required = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const wide = required.find(({ topologyKey }) => topologyKey !== HOSTNAME);
  if (wide === undefined) return;
  const why =
    'affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ' +
    `${wide.topologyKey} but only key ${HOSTNAME} is allowed`;
  throw admissionForbidden(request, why);
}
