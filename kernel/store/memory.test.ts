import { backendConformance } from './backend-conformance.ts';
import { memoryBackend } from './memory.ts';

backendConformance('memory', async () => {
  const backend = memoryBackend();
  return { backend, prefix: '/test/', dispose: () => backend.close() };
});
