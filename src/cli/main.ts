#!/usr/bin/env node
/** The command line. Every command is a thin module of its own; errors are one line each. */

import { endWithReader } from './end-with-reader.ts';
import { runProgram } from './program.ts';
import { tellWarnings } from './provider-option.ts';

endWithReader();
tellWarnings();

// Not awaited: a process whose work has ended must end, even if a promise of it has not.
void runProgram(process.argv.slice(2));
