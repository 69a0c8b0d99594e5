/** A vendor's client for tests: records what it is asked to send, and fails or hangs when told to. */
import type { TransportProvider, TransportRequest } from '../channels/transport.js';
import { abortReason } from '../core/clock.js';
import type { ProviderResult } from '../core/models/delivery.js';

type Behaviour = { readonly kind: 'fail'; readonly with: Error | ProviderResult } | { readonly kind: 'hang' };

/** For tests: a vendor that takes everything, remembers it, and fails or hangs when told to. */
export class MockTransportProvider implements TransportProvider {
  /** Every request, in order, failed ones included. */
  readonly requests: TransportRequest[] = [];
  /** The requests that succeeded. */
  readonly sent: TransportRequest[] = [];
  readonly supportsIdempotencyKey: boolean;
  readonly fetchesMedia: boolean;
  /** Called before each answer. */
  onSend: ((request: TransportRequest) => void | Promise<void>) | undefined;
  isReady = true;
  closed = 0;
  readonly #script: Behaviour[] = [];

  constructor(
    readonly name = 'mock',
    options: { supportsIdempotencyKey?: boolean; fetchesMedia?: boolean } = {},
  ) {
    this.supportsIdempotencyKey = options.supportsIdempotencyKey ?? false;
    this.fetchesMedia = options.fetchesMedia ?? false;
  }

  /** The next send throws this error, or answers with this result; calls add up. */
  failNext(failure: Error | ProviderResult = { success: false, error: 'mock_failure', retryable: true }): void {
    this.#script.push({ kind: 'fail', with: failure });
  }

  /** The next send never answers; it rejects when its signal is aborted. */
  hangNext(): void {
    this.#script.push({ kind: 'hang' });
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    this.requests.push(request);
    await this.onSend?.(request);
    const behaviour = this.#script.shift();
    if (behaviour?.kind === 'hang') {
      return new Promise((_resolve, reject) => request.signal.addEventListener('abort', () => reject(abortReason(request.signal)), { once: true }));
    }
    if (behaviour?.kind === 'fail') {
      if (behaviour.with instanceof Error) throw behaviour.with;
      return behaviour.with;
    }
    this.sent.push(request);
    return { success: true, providerMessageId: `${this.name}-${this.sent.length}` };
  }

  ready(): boolean {
    return this.isReady;
  }

  close(): void {
    this.closed++;
  }
}
