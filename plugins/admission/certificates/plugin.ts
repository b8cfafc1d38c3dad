import { admissionPoint, definePlugin, doorPoint, serviceUnavailable } from 'kernetes/sdk';
import { certificateAdmission } from './certificates.ts';

export default definePlugin({
  name: 'admission.certificates',
  activate(ctx) {
    const doors = ctx.contributions(doorPoint);
    ctx.provide(
      admissionPoint,
      certificateAdmission(attributes => {
        const [door] = doors.list();
        if (door === undefined) throw serviceUnavailable('There are no authorizers to ask');
        return door.value.review(attributes);
      }),
    );
  },
});
