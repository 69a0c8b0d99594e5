/** What Telegram says when it does not do something. */

/** The numbers that may come with a refusal. */
export interface RefusalParameters {
  readonly retry_after?: number;
  readonly migrate_to_chat_id?: number;
}

export class TelegramRefusal extends Error {
  constructor(
    readonly status: number,
    /** With the words in front: `Bad Request: chat not found`. */
    description: string,
    readonly parameters?: RefusalParameters,
  ) {
    super(description);
  }
}

export function badRequest(why: string): TelegramRefusal {
  return new TelegramRefusal(400, `Bad Request: ${why}`);
}
