import { DownloadIcon } from "@primer/octicons-react";
import { CopyButton } from "../../../../../components/copy-button.tsx";
import styles from "./repository.module.css";

export function CloneMenu({ url }: { url: string }) {
  return (
    <details className={styles.clone}>
      <summary className="button primary">
        <DownloadIcon /> Clone
      </summary>
      <div className={styles.popup}>
        <p className="muted">Over HTTP, with a Kubernetes token as password:</p>
        <div className={styles.copy}>
          <code>git clone {url}</code>
          <CopyButton text={`git clone ${url}`} />
        </div>
      </div>
    </details>
  );
}
