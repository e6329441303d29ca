import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./parquet.js";

conform(t, connector);
