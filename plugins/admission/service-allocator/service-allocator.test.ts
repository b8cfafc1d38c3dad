import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdmissionRequest, ApiError, type Service, type ServiceSpec } from 'kernetes/sdk';
import { admissionRequest, seededRandom } from 'kernetes/sdk/testing';
import { ServiceAllocator } from './service-allocator.ts';

const CONFIG = { serviceCidr: '10.96.0.0/24', nodePortRange: '30000-30063', release: 0 };

function allocator(config: Partial<typeof CONFIG> = {}): ServiceAllocator {
  return new ServiceAllocator({ ...CONFIG, ...config }, seededRandom());
}

function service(name: string, spec: ServiceSpec): Service {
  const namespace = name.includes('/') ? name.split('/')[0] : 'default';
  const ports = [{ port: 80, protocol: 'TCP' }];
  const metadata = { namespace: namespace ?? '', name: name.split('/').at(-1) ?? '' };
  return { metadata, spec: { type: 'ClusterIP', ports, ...spec } };
}

function request(object: Service, oldObject?: Service, dryRun = false): AdmissionRequest {
  return admissionRequest(object, { resource: 'services', kind: 'Service', oldObject, dryRun });
}

/** Admits and stores. */
function write(allocator: ServiceAllocator, object: Service, old?: Service): Service {
  allocator.mutate(request(object, old));
  allocator.seen(object, old);
  return object;
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, 422);
    return error.message;
  }
  return assert.fail('It was not refused');
}

test('mutate() gives an address, its families and policy', () => {
  const { spec } = write(allocator(), service('a', {}));
  assert.match(spec?.clusterIP ?? '', /^10\.96\.0\.\d+$/);
  assert.deepEqual(spec?.clusterIPs, [spec?.clusterIP]);
  assert.deepEqual(spec?.ipFamilies, ['IPv4']);
  assert.equal(spec?.ipFamilyPolicy, 'SingleStack');
});

test('mutate() of releases up to 1.22 only draws node ports in a dry run', () => {
  const subject = allocator({ release: 22 });
  const asked = service('a', { clusterIP: '1.2.3.4', type: 'NodePort' });
  asked.spec?.ports?.push({ port: 81, nodePort: 1 });
  subject.mutate(request(asked, undefined, true));
  assert.equal(asked.spec?.clusterIP, '1.2.3.4');
  assert.ok((asked.spec?.ports?.[0]?.nodePort ?? 0) >= 30_000);
  assert.throws(() => subject.mutate(request(asked)), /not in the valid range/);
});

test('mutate() gives every address once, but for the first, the tenth, and the ends', () => {
  const subject = allocator({ serviceCidr: '10.96.0.0/28' });
  const given = new Set<string>();
  for (let i = 0; i < 12; i++)
    given.add(write(subject, service(`s${i}`, {})).spec?.clusterIP ?? '');
  assert.equal(given.size, 12);
  for (const ip of ['10.96.0.0', '10.96.0.1', '10.96.0.10', '10.96.0.15']) {
    assert.ok(!given.has(ip), ip);
  }
  const more = request(service('more', {}));
  assert.throws(() => subject.mutate(more), /failed to allocate a serviceIP: range is full/);
});

test('mutate() keeps the first address for default/kubernetes, and gives the tenth when asked', () => {
  const subject = allocator();
  const first = { clusterIP: '10.96.0.1' };
  assert.match(
    refusal(() => write(subject, service('a', first))),
    /provided IP is already allocated/,
  );
  write(subject, service('kubernetes', first));
  write(subject, service('kube-system/kube-dns', { clusterIP: '10.96.0.10' }));
});

test('mutate() refuses addresses that are taken, out of range, or of another family', () => {
  const subject = allocator();
  write(subject, service('a', { clusterIP: '10.96.0.7' }));
  const cases: [ServiceSpec, string][] = [
    [
      { clusterIP: '10.96.0.7' },
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.7"]: ' +
        'failed to allocate IP 10.96.0.7: provided IP is already allocated',
    ],
    [
      { clusterIPs: ['1.2.3.4'] },
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP ' +
        '1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. ' +
        'The range of valid IPs is 10.96.0.0/24',
    ],
    [
      { ipFamilies: ['IPv6'] },
      'Service "b" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": ' +
        'not configured on this cluster',
    ],
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'Service "b" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": ' +
        'this cluster is not configured for dual-stack services',
    ],
  ];
  for (const [spec, message] of cases) {
    assert.equal(
      refusal(() => write(subject, service('b', spec))),
      message,
    );
  }
});

test('mutate() leaves headless services, ExternalName and what is no address alone', () => {
  for (const spec of [{ clusterIP: 'None' }, { type: 'ExternalName' }, { clusterIP: 'abc' }]) {
    const { clusterIP } = write(allocator(), service('a', spec)).spec ?? {};
    assert.equal(clusterIP, 'clusterIP' in spec ? spec.clusterIP : undefined);
  }
});

test('mutate() gives node ports, one for both protocols of a port', () => {
  const ports = [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
    { port: 80, protocol: 'TCP' },
  ];
  const { spec } = write(allocator(), service('a', { type: 'NodePort', ports }));
  const [udp, tcp, http] = (spec?.ports ?? []).map(({ nodePort }) => nodePort);
  assert.equal(udp, tcp);
  assert.notEqual(udp, http);
  assert.ok(udp && udp >= 30_000 && udp <= 30_063);
});

test('mutate() refuses node ports that are taken or out of range', () => {
  const subject = allocator();
  const at = (nodePort: number) =>
    service('b', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort }] });
  write(subject, { ...at(30_007), metadata: { namespace: 'default', name: 'a' } });
  assert.equal(
    refusal(() => write(subject, at(30_007))),
    'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30007: ' +
      'provided port is already allocated',
  );
  assert.equal(
    refusal(() => write(subject, at(80))),
    'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in ' +
      'the valid range. The range of valid ports is 30000-30063',
  );
});

test('mutate() gives a load balancer with local traffic a health check port', () => {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  const { healthCheckNodePort, ports = [] } = write(allocator(), service('a', spec)).spec ?? {};
  assert.ok(healthCheckNodePort && healthCheckNodePort !== ports[0]?.nodePort);
});

test('a change of type allocates or frees', () => {
  const subject = allocator({ nodePortRange: '30000-30000' });
  const external = write(subject, service('a', { type: 'ExternalName' }));
  const nodePort = write(subject, service('a', { type: 'NodePort' }), external);
  assert.equal(nodePort.spec?.ports?.[0]?.nodePort, 30_000);
  assert.throws(() => subject.mutate(request(service('b', { type: 'NodePort' }))), /range is full/);
  const clusterIP = nodePort.spec?.clusterIP ?? '';
  write(subject, service('a', { clusterIP }), nodePort);
  write(subject, service('b', { type: 'NodePort' }));
});

test('abandon() gives back what the request reserved and nothing else', () => {
  const subject = allocator({ nodePortRange: '30000-30000' });
  const kept = write(subject, service('kept', { clusterIP: '10.96.0.7' }));
  const dryRun = request(
    service('a', { type: 'NodePort', clusterIP: '10.96.0.8' }),
    undefined,
    true,
  );
  subject.mutate(dryRun);
  subject.abandon(dryRun);
  write(subject, service('b', { type: 'NodePort', clusterIP: '10.96.0.8' }));
  const again = request(structuredClone(kept), kept);
  subject.mutate(again);
  subject.abandon(again);
  assert.match(
    refusal(() => write(subject, service('c', { clusterIP: '10.96.0.7' }))),
    /already allocated/,
  );
});

test('abandon() also gives back what a refused request had reserved before', () => {
  const subject = allocator();
  const ports = [{ port: 80, protocol: 'TCP', nodePort: 80 }];
  const refused = request(service('a', { type: 'NodePort', clusterIP: '10.96.0.8', ports }));
  refusal(() => subject.mutate(refused));
  subject.abandon(refused);
  write(subject, service('b', { clusterIP: '10.96.0.8' }));
});

test('gone() frees an address, also for a service of the same name that took another', () => {
  const subject = allocator();
  const before = write(subject, service('a', { clusterIP: '10.96.0.8' }));
  subject.gone(before);
  write(subject, service('a', { clusterIP: '10.96.0.8' }));
});

test('seen() tells what two stored services both have', () => {
  const subject = allocator();
  assert.deepEqual(subject.seen(service('a', { clusterIP: '10.96.0.8' })), []);
  assert.deepEqual(subject.seen(service('b', { clusterIP: '10.96.0.8' })), ['10.96.0.8']);
});

test('the constructor refuses ranges that it cannot use', () => {
  assert.throws(() => allocator({ serviceCidr: 'fd00::/112' }), /want an IPv4 range/);
  assert.throws(() => allocator({ serviceCidr: '10.0.0.0/31' }), /want an IPv4 range/);
  assert.throws(() => allocator({ nodePortRange: '9-3' }), /want one such as/);
});
