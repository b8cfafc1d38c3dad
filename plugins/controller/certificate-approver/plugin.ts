import {
  CertificateSigningRequest,
  type Door,
  decodeRequest,
  definePlugin,
  kubeletClientError,
  openDoor,
  parseCertificateRequest,
  runController,
  SIGNERS,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'controller.certificate-approver',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const door = openDoor(ctx);
    runController(ctx, {
      for: CertificateSigningRequest,
      async reconcile(_key, { object, objects }) {
        if (object === undefined) return undefined;
        const wants = wantedRights(object);
        for (const { subresource, message } of wants) {
          if (!(await isAllowed(door(), object, subresource))) continue;
          await objects.update(CertificateSigningRequest, approved(object, message), {
            subresource: 'approval',
          });
          return undefined;
        }
        // Roles may be given later.
        return wants.length > 0 ? { requeueAfter: '60s' } : undefined;
      },
    });
  },
});

interface Right {
  readonly subresource: string;
  readonly message: string;
}

/** One of them is enough. Nothing: the request is none of ours, or decided. */
function wantedRights({ spec, status }: CertificateSigningRequest): readonly Right[] {
  const isDecided = status?.conditions?.some(({ type }) => DECISIONS.includes(type)) ?? false;
  if (isDecided || status?.certificate || spec.signerName !== SIGNERS.kubeletClient) return [];
  const request = parseCertificateRequest(decodeRequest(spec.request));
  if (kubeletClientError(request, spec.usages ?? []) !== undefined) return [];
  return request.commonName === spec.username ? [SELF, NODE] : [NODE];
}

async function isAllowed(
  door: Door,
  { spec }: CertificateSigningRequest,
  subresource: string,
): Promise<boolean> {
  const { username: name = '', uid, groups = [], extra } = spec;
  const user = { name, groups, ...(uid && { uid }), ...(extra && { extra }) };
  const { allowed } = await door.review({ user, verb: 'create', ...TARGET, subresource });
  return allowed;
}

function approved(request: CertificateSigningRequest, message: string): CertificateSigningRequest {
  const { conditions = [] } = request.status ?? {};
  const approval = { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
  return { ...request, status: { ...request.status, conditions: [...conditions, approval] } };
}

const DECISIONS = ['Approved', 'Denied'];
const SELF: Right = {
  subresource: 'selfnodeclient',
  message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
};
const NODE: Right = {
  subresource: 'nodeclient',
  message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
};
const TARGET = {
  group: 'certificates.k8s.io',
  version: '*',
  resource: 'certificatesigningrequests',
  namespace: '',
  name: '',
};
