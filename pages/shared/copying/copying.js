// Copies the address of the page. data: { lacks: what the link cannot hold, in a sentence, or nothing }

// an old way, for pages that do not come over HTTPS: there is no other clipboard there
function copiedByHand(field) {
  field.hidden = false;
  field.select();
  return document.execCommand("copy");
}

export default function (component) {
  const { data, parentElement } = component;
  const [button, said, field] = ["button", "p", "input"].map((name) => parentElement.querySelector(name));
  button.onclick = async () => {
    field.value = location.href;
    let copied;
    try {
      await navigator.clipboard.writeText(location.href);
      copied = true;
    } catch {
      copied = copiedByHand(field);
    }
    field.hidden = copied;
    said.textContent = (copied ? "Copied. " : "Here it is, to be copied: ") + data.lacks;
  };
}
