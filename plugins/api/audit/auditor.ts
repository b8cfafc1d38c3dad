import { readFile } from 'node:fs/promises';
import type { AuditedRequest, Auditor, AuditTrail, PluginContext } from 'kernetes/sdk';
import { LogFile, type LogFileOptions } from './log-file.ts';
import { decide } from './policy.ts';
import { readPolicy } from './policy-file.ts';
import { Trail } from './trail.ts';

export interface OpenAuditor extends Auditor {
  close(): Promise<void>;
}

/** Rejects with what the operator must mend: no cluster runs without the log that it should have. */
export async function openAuditor(
  { clock, random, log, metrics }: Pick<PluginContext, 'clock' | 'random' | 'log' | 'metrics'>,
  options: Pick<LogFileOptions, 'path' | 'maxBytes' | 'maxBackups'> & {
    readonly policyFile: string;
  },
): Promise<OpenAuditor> {
  const policy = readPolicy(await readFile(options.policyFile, 'utf8'));
  const events = metrics.counter('events_total', 'Audit events');
  const dropped = metrics.counter('dropped_total', 'Audit events that could not be written');
  const { path, maxBytes, maxBackups } = options;
  const drop = () => dropped.add();
  const file = await LogFile.open({ path, maxBytes, maxBackups, clock, log, dropped: drop });
  return {
    begin(request: AuditedRequest): AuditTrail | undefined {
      const decision = decide(policy, request);
      if (decision.level === 'None') return undefined;
      return new Trail(request, {
        id: request.auditId ?? random.uuid(),
        decision,
        clock,
        write(line) {
          events.add();
          file.write(line);
        },
      });
    },
    close: () => file.close(),
  };
}
