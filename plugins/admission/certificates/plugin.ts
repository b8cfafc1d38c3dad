import { admissionPoint, definePlugin, openDoor } from 'kernetes/sdk';
import { certificateAdmission } from './certificates.ts';

export default definePlugin({
  name: 'admission.certificates',
  activate(ctx) {
    const door = openDoor(ctx, 'There are no authorizers to ask');
    ctx.provide(
      admissionPoint,
      certificateAdmission(attributes => door().review(attributes)),
    );
  },
});
