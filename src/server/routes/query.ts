/** Values of a query string. */
import { z } from 'zod';

/** A whole number written in digits. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, 'is no whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `is not from ${least} to ${most}`);
}

/** `true` or `false`. */
export const flag: z.ZodType<boolean, string> = z.enum(['true', 'false']).transform((value) => value === 'true');
