/** Files of the library that is measured which are no part of its public API. */

/** Imports one, `wire/message/Message` for example. */
export const inside = (file: string): Promise<unknown> =>
  import(new URL(`../../../node_modules/effect-memberlist/dist/${file}.js`, import.meta.url).href)
