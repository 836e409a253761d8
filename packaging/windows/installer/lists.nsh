; What is removed is removed by lists of what was laid down (packaging/windows/file_lists.py): one path a
; line, ended by CR and LF, ASCII, sorted as _wcsicmp compares. A folder goes only when it is empty.
;
; In the folder "uninstall" of an installation lie
;   files.txt, directories.txt                  of the version that is installed
;   files.new.txt, directories.new.txt          of a version that is being laid down, or was interrupted
;   files.coming.txt, directories.coming.txt    the same, until what was interrupted has been cleared up
; so that whatever happens, what lies there stands in one of them.

!macro READ_LINE HANDLE RESULT ; "" at the end
    ClearErrors
    FileRead ${HANDLE} ${RESULT}
    ${If} ${Errors}
        StrCpy ${RESULT} ""
    ${Else}
        StrCpy ${RESULT} ${RESULT} -2
    ${EndIf}
!macroend

; Removes what stands in ${OLD} and not in ${NEW}: both are read once, in step.
!macro REMOVE_STALE OLD NEW
    ${If} ${FileExists} "$INSTDIR\uninstall\${OLD}"
        FileOpen $0 "$INSTDIR\uninstall\${OLD}" r
        FileOpen $1 "$INSTDIR\uninstall\${NEW}" r
        !insertmacro READ_LINE $0 $2
        !insertmacro READ_LINE $1 $3
        ${DoWhile} $2 != ""
            ${If} $3 == ""
                StrCpy $4 -1
            ${ElseIf} $2 == $3
                StrCpy $4 0
            ${Else}
                System::Call 'msvcrt::_wcsicmp(w r2, w r3) i .r4'
            ${EndIf}
            ${If} $4 > 0
                !insertmacro READ_LINE $1 $3
            ${Else}
                ${IfThen} $4 < 0 ${|} Delete "$INSTDIR\$2" ${|}
                ${If} $4 == 0
                    !insertmacro READ_LINE $1 $3
                ${EndIf}
                !insertmacro READ_LINE $0 $2
            ${EndIf}
        ${Loop}
        FileClose $0
        FileClose $1
    ${EndIf}
!macroend

; Removes the folders of a list that are empty; each stands before its parent.
!macro REMOVE_EMPTY ROOT LIST
    ${If} ${FileExists} "${ROOT}\uninstall\${LIST}"
        FileOpen $0 "${ROOT}\uninstall\${LIST}" r
        ${Do}
            !insertmacro READ_LINE $0 $1
            ${IfThen} $1 == "" ${|} ${Break} ${|}
            RMDir "${ROOT}\$1"
        ${Loop}
        FileClose $0
    ${EndIf}
!macroend

!macro REMOVE_LISTED ROOT LIST
    ${If} ${FileExists} "${ROOT}\uninstall\${LIST}"
        FileOpen $0 "${ROOT}\uninstall\${LIST}" r
        ${Do}
            !insertmacro READ_LINE $0 $1
            ${IfThen} $1 == "" ${|} ${Break} ${|}
            ClearErrors
            Delete "${ROOT}\$1"
            ${If} ${Errors}
                IntOp $8 $8 + 1
                DetailPrint "$(StaysText): ${ROOT}\$1"
            ${EndIf}
        ${Loop}
        FileClose $0
    ${EndIf}
!macroend

; stack: an installation's folder -> how many files could not be removed. Then the lists stay for next time.
!macro REMOVE_INSTALLATION_FUNCTION un
Function ${un}RemoveInstallation
    Pop $9
    StrCpy $8 0
    SetDetailsPrint textonly
    !insertmacro REMOVE_LISTED "$9" "files.txt"
    !insertmacro REMOVE_LISTED "$9" "files.new.txt"
    !insertmacro REMOVE_LISTED "$9" "files.coming.txt"
    !insertmacro REMOVE_EMPTY "$9" "directories.txt"
    !insertmacro REMOVE_EMPTY "$9" "directories.new.txt"
    !insertmacro REMOVE_EMPTY "$9" "directories.coming.txt"
    SetDetailsPrint both
    ${If} $8 == 0
        Delete "$9\uninstall\files.txt"
        Delete "$9\uninstall\files.new.txt"
        Delete "$9\uninstall\files.coming.txt"
        Delete "$9\uninstall\directories.txt"
        Delete "$9\uninstall\directories.new.txt"
        Delete "$9\uninstall\directories.coming.txt"
        Delete "$9\uninstall.exe"
        RMDir "$9\uninstall"
        RMDir "$9"
    ${EndIf}
    Push $8
FunctionEnd
!macroend

; The lists called ${FROM} take the place of those called ${TO}; "" are the installed version's.
!macro SUCCEED FROM TO
    !define /redef TO_NAME ".${TO}"
    !if "${TO}" == ""
        !define /redef TO_NAME ""
    !endif
    Delete "$INSTDIR\uninstall\files${TO_NAME}.txt"
    Rename "$INSTDIR\uninstall\files.${FROM}.txt" "$INSTDIR\uninstall\files${TO_NAME}.txt"
    Delete "$INSTDIR\uninstall\directories${TO_NAME}.txt"
    Rename "$INSTDIR\uninstall\directories.${FROM}.txt" "$INSTDIR\uninstall\directories${TO_NAME}.txt"
!macroend
