#include "api/access/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "base/secret_file.h"

namespace aiflow::api {
namespace {

namespace fs = std::filesystem;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio Reader(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

/// Never asks at a terminal.
int NoPassword(char*, int, int, void*) { return 0; }

Certificate ParseCertificate(const std::string& text) {
  const Bio bio = Reader(text);
  return {PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr), &X509_free};
}

Status Wrong(const fs::path& file, const std::string& what) {
  ERR_clear_error();
  return {Code::kInvalidArgument, file.string() + " " + what};
}

/// A public file; certificates are no secrets.
Status ReadCertificates(const fs::path& file, std::string* text) {
  std::ifstream in(file, std::ios::binary);
  text->assign(std::istreambuf_iterator<char>(in), {});
  if (!in || text->empty()) return Wrong(file, "cannot be read");
  if (text->size() > kMaxSecretFileBytes) return Wrong(file, "is larger than 1 MiB");
  if (ParseCertificate(*text) == nullptr) return Wrong(file, "holds no certificate in PEM");
  return Status::Ok();
}

Status ReadAll(Tls* tls) {
  AIFLOW_RETURN_IF_ERROR(ReadCertificates(tls->certificate_file, &tls->certificate));
  Result<std::string> key = ReadSecretFile(tls->key_file);
  if (!key.has_value()) {
    const bool missing = key.error().code() == Code::kNotFound;
    return {missing ? Code::kInvalidArgument : key.error().code(), key.error().message()};
  }
  tls->key = *std::move(key);
  const Bio bio = Reader(tls->key);
  const Key parsed(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr),
                   &EVP_PKEY_free);
  if (parsed == nullptr) {
    return Wrong(tls->key_file, "holds no private key in PEM without a password");
  }
  if (X509_check_private_key(ParseCertificate(tls->certificate).get(), parsed.get()) != 1) {
    return Wrong(tls->key_file, "is not the key of the certificate in " +
                                    tls->certificate_file.string() +
                                    ", whose first certificate must be the server's own");
  }
  if (tls->client_ca_file.empty()) return Status::Ok();
  return ReadCertificates(tls->client_ca_file, &tls->client_ca);
}

}  // namespace

Result<Tls> ReadTls(const fs::path& certificate_file, const fs::path& key_file,
                    const fs::path& client_ca_file) {
  if (certificate_file.empty() || key_file.empty()) {
    return Error(Code::kInvalidArgument,
                 "TLS needs both tls_certificate_file and tls_key_file; only one of them, or only "
                 "tls_client_ca_file, is set");
  }
  Tls tls;
  tls.certificate_file = certificate_file;
  tls.key_file = key_file;
  tls.client_ca_file = client_ca_file;
  if (Status status = ReadAll(&tls); !status.ok()) return Error(std::move(status));
  return tls;
}

}  // namespace aiflow::api
