import type { WithArgs } from 'kernetes/sdk';
import type { EnabledPlugin } from '../profile/profile.ts';

/** For a plugin elsewhere: the profile's options, where they are not the plugin's own. */
export function argsOf({ context, contribution }: EnabledPlugin): WithArgs {
  const { config } = context;
  return config === contribution.options ? NO_ARGS : { args: { options: config } };
}

const NO_ARGS: WithArgs = {};
