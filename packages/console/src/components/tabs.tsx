import type { ReactNode } from "react";
import styles from "./tabs.module.css";

/** Links to the pages of one object. */
export function Tabs({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav aria-label={label} className={styles.tabs}>
      {children}
    </nav>
  );
}
