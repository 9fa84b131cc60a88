#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace aiflow::api {

/// A certificate for localhost, 127.0.0.1 and ::1 that signs itself, with its key, in a directory.
class SelfSigned {
 public:
  explicit SelfSigned(const std::filesystem::path& directory, const std::string& name = "server")
      : certificate_file(directory / (name + ".crt")), key_file(directory / (name + ".key")) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, subject);
    Extend(x509, NID_basic_constraints, "critical,CA:TRUE");
    Extend(x509, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    X509_sign(x509, key, EVP_sha256());
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, x509);
    certificate = Taken(out);
    PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    private_key = Taken(out);
    BIO_free(out);
    X509_free(x509);
    EVP_PKEY_free(key);
    std::ofstream(certificate_file) << certificate;
    std::ofstream(key_file) << private_key;
    chmod(key_file.c_str(), 0600);
  }

  const std::filesystem::path certificate_file;
  const std::filesystem::path key_file;
  std::string certificate;
  std::string private_key;

 private:
  static void Extend(X509* x509, int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string Taken(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);  // NOLINT: the type of OpenSSL
    std::string taken(text, static_cast<size_t>(size));
    (void)BIO_reset(bio);
    return taken;
  }
};

}  // namespace aiflow::api
