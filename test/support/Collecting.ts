import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** What a stream gives from now on, until the scope ends: an array that grows. */
export const collect = <A>(stream: Stream.Stream<A>) => {
  const given: Array<A> = []
  return Effect.as(
    Effect.forkScoped(Stream.runForEach(stream, (value) => Effect.sync(() => void given.push(value))), {
      startImmediately: true
    }),
    given
  )
}
