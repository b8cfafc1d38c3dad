import { scheduler, verdict } from 'kernetes/sdk';
import { ImageCounts, localityScore, type WantedImages, wantedImages } from './images.ts';

export default scheduler.stateful<Record<string, never>, WantedImages>({
  name: 'ImageLocality',
  config: { type: 'object', additionalProperties: false },
  create() {
    let counts = new ImageCounts();
    return {
      track() {
        counts = new ImageCounts();
        return counts;
      },
      preScore(context) {
        context.state = wantedImages(context.pod, counts);
        return context.state ? undefined : verdict.skip;
      },
      score: ({ node, state }) => (state ? localityScore(node, state) : 0),
    };
  },
});
