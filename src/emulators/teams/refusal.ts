/** How Microsoft's services refuse. */
import type { ServerResponse } from 'node:http';

/** A refusal of the connector. @see https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability */
export class TeamsRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  get body(): unknown {
    return { error: { code: this.code, message: this.message } };
  }
}

/** A refusal of the token endpoint. @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
export class LoginRefusal extends Error {
  constructor(
    readonly status: number,
    readonly error: string,
    readonly number: number,
    message: string,
  ) {
    super(message);
  }

  get body(): unknown {
    const description = `AADSTS${this.number}: ${this.message} Trace ID: 0f0a8f2b-3a9e-4d6c-9a52-b4f1b6f30100 Correlation ID: 9f0c4b1e-5d1b-4a5e-8a39-2f7f7b1f5a11`;
    return {
      error: this.error,
      error_description: description,
      error_codes: [this.number],
      error_uri: `https://login.microsoftonline.com/error?code=${this.number}`,
    };
  }
}

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
