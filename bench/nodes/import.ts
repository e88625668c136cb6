/** The library imported, and nothing done with it. */
import * as library from "effect-memberlist"
import { serve } from "../child/Commands.ts"

serve({ exports: () => ({ count: Object.keys(library).length }) })
