/**
 * Checks of what can be set of a topic, or of what is built on one.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { json } from "../base/PlainText.ts"
import { ConfigInvalid } from "../MemberlistError.ts"

/** Makes the checks of one owner's options. What is not given is as usual, and has to be within the bounds as well. */
export const of = <Options extends object>(owner: string, options: Options) => {
  const refuse = (field: keyof Options & string, value: unknown, expected: string) =>
    Effect.fail(new ConfigInvalid({ field: `${owner}.${field}`, value: json(String(value)), expected }))
  return {
    whole: (field: keyof Options & string, usual: number, least: number, most: number) => {
      const value: unknown = options[field] ?? usual
      return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
        ? Effect.succeed(value)
        : refuse(field, value, `a whole number, ${least}‥${most}`)
    },
    /** A duration, in milliseconds. */
    time: (
      field: keyof Options & string,
      usual: Duration.Input,
      [least, most]: readonly [number, number],
      expected: string
    ) => {
      const value = (options[field] ?? usual) as Duration.Input
      const millis = Option.match(Duration.fromInput(value), { onNone: () => Number.NaN, onSome: Duration.toMillis })
      return millis >= least && millis <= most ? Effect.succeed(millis) : refuse(field, value, expected)
    }
  }
}
