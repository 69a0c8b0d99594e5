/** Doubles of the vendors of text channels: each takes everything, remembers it, and fails or hangs when told to (behaviour §28). */
import { MockTransportProvider } from './mock-transport-provider.js';

/** For tests: a vendor of text messages that takes everything. */
export class MockSMSProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_sms', options);
  }
}

/** For tests: a vendor of RCS that takes everything. */
export class MockRCSProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_rcs', options);
  }
}

/** For tests: a vendor of e-mail that takes everything. */
export class MockEmailProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_email', options);
  }
}

/** For tests: a vendor of WhatsApp that takes everything. */
export class MockWhatsAppProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_whatsapp', options);
  }
}

/** For tests: a linked WhatsApp that takes everything. */
export class MockWhatsAppPersonalProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_whatsapp_personal', options);
  }
}

/** For tests: a vendor of Messenger that takes everything. */
export class MockMessengerProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_messenger', options);
  }
}

/** For tests: a vendor of Telegram that takes everything. */
export class MockTelegramProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_telegram', options);
  }
}

/** For tests: a vendor of Teams that takes everything. */
export class MockTeamsProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_teams', options);
  }
}

/** For tests: a vendor of HTTP that takes everything. */
export class MockHTTPProvider extends MockTransportProvider {
  constructor(options: { readonly supportsIdempotencyKey?: boolean } = {}) {
    super('mock_http', options);
  }
}
