/** A host that starts a long run and says which process does it; the test kills it. */
import { RuntimeClient } from '../../../extension/runtime/client.ts';
import { longLoop } from './models.ts';

async function main(): Promise<void> {
  const client = new RuntimeClient();
  const { sessionId } = await client.createSession({ key: 'loop', model: longLoop(), provider: 'cpu' });
  const trips = new Uint8Array(BigInt64Array.of(100_000_000n).buffer);
  const running = client.run({ sessionId, feeds: { trips: { dtype: 'int64', dims: [], data: trips }, m0: { dtype: 'float32', dims: [256, 256], data: new Uint8Array(4 * 256 * 256) } }, fetches: ['y'] });
  process.send?.(client.pid);
  await running;
}
void main();
