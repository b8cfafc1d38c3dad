import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  admissionPoint,
  type Container,
  containersOf,
  definePlugin,
  type FieldPath,
  fieldPath,
  notSupported,
  type Pod,
  type PodSpec,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.always-pull-images',
  activate(ctx) {
    ctx.provide(admissionPoint, alwaysPullImages);
  },
});

const alwaysPullImages: AdmissionPlugin = {
  rules: [
    {
      operations: ['CREATE', 'UPDATE'],
      groups: [''],
      resources: ['pods', 'pods/ephemeralcontainers'],
    },
  ],
  mutate(request) {
    const { spec } = request.object as Pod;
    if (spec === undefined || !hasNewImages(request)) return;
    for (const container of containersOf(spec)) container.imagePullPolicy = ALWAYS;
    for (const { image } of spec.volumes ?? []) if (image) image.pullPolicy = ALWAYS;
  },
  validate(request) {
    const { spec } = request.object as Pod;
    if (spec === undefined || !hasNewImages(request)) return;
    const [first] = otherPolicies(spec);
    if (first !== undefined) throw admissionForbidden(request, first);
  },
};

/** What has been pulled already, an update need not ask for again. */
function hasNewImages({ object, oldObject }: AdmissionRequest): boolean {
  if (oldObject === undefined) return true;
  const before = new Set(imagesOf((oldObject as Pod).spec));
  return imagesOf((object as Pod).spec).some(image => !before.has(image));
}

function imagesOf(spec: PodSpec = { containers: [] }): (string | undefined)[] {
  const volumes = (spec.volumes ?? []).flatMap(({ image }) => image ?? []);
  return [
    ...containersOf(spec).map(({ image }) => image),
    ...volumes.map(({ reference }) => reference),
  ];
}

function otherPolicies(spec: PodSpec): string[] {
  const path = fieldPath('spec');
  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
  const ofContainers = lists.flatMap(list =>
    (spec[list] ?? []).flatMap((container: Container, i) =>
      wrongPolicy(path.child(list).index(i).child('imagePullPolicy'), container.imagePullPolicy),
    ),
  );
  const ofVolumes = (spec.volumes ?? []).flatMap(({ image }, i) =>
    image
      ? wrongPolicy(path.child('volumes').index(i).child('image', 'pullPolicy'), image.pullPolicy)
      : [],
  );
  return [...ofContainers, ...ofVolumes];
}

function wrongPolicy(path: FieldPath, policy: string | undefined): string[] {
  if (policy === ALWAYS) return [];
  const { field, message } = notSupported(path, policy ?? '', [ALWAYS]);
  return [`${field}: ${message}`];
}

const ALWAYS = 'Always';
