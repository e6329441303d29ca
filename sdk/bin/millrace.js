#!/usr/bin/env node
import { main } from "@millrace/worker/cli";

await main(process.argv);
