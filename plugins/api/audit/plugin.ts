import { auditorPoint, definePlugin } from 'kernetes/sdk';

interface Config {
  readonly policyFile: string;
  readonly logPath: string;
  readonly maxSizeMb: number;
  readonly maxBackups: number;
}

export default definePlugin<Config>({
  name: 'api.audit',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      policyFile: { type: 'string', default: '' },
      logPath: { type: 'string', default: '' },
      maxSizeMb: { type: 'integer', minimum: 0, default: 0 },
      maxBackups: { type: 'integer', minimum: 0, default: 0 },
    },
  },
  async activate(ctx) {
    const { policyFile, logPath, maxSizeMb, maxBackups } = ctx.config;
    // As upstream: a policy without a log, or a log without a policy, logs nothing.
    if (policyFile === '' || logPath === '') return;
    const { openAuditor } = await import('./auditor.ts');
    const auditor = await openAuditor(ctx, {
      policyFile,
      path: logPath,
      maxBytes: maxSizeMb * 1024 * 1024,
      maxBackups,
    });
    ctx.onDispose(() => auditor.close());
    ctx.provide(auditorPoint, auditor);
  },
});
