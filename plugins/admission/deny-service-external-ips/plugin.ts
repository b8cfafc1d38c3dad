import {
  type AdmissionRequest,
  admissionForbidden,
  admissionPoint,
  definePlugin,
  type Service,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.deny-service-external-ips',
  activate(ctx) {
    ctx.provide(admissionPoint, {
      rules: [{ operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['services'] }],
      validate: refuseNewAddresses,
    });
  },
});

/** Those that a service has from before it may keep, or give up. */
function refuseNewAddresses(request: AdmissionRequest): undefined {
  const [wanted, had] = [request.object, request.oldObject].map(
    service => (service as Service | undefined)?.spec?.externalIPs ?? [],
  );
  if (wanted?.every(address => had?.includes(address))) return;
  throw admissionForbidden(request, 'Use of external IPs is denied by admission control.');
}
